# SPDX-License-Identifier: MIT OR Apache-2.0
"""A COMMAND that writes down each signal that reaches it, until SIGUSR2. Usage: recorder.py FILE

The first line of FILE is its process id; then one line for each signal, by name.
"""

import os
import signal
import sys

WATCHED = {
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGCONT,
}


def main() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    log = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.write(log, f"{os.getpid()}\n".encode())
    while True:
        number = signal.sigwaitinfo(WATCHED).si_signo
        os.write(log, f"{signal.Signals(number).name}\n".encode())
        if number == signal.SIGUSR2:
            return


main()
