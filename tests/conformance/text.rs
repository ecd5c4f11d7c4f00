// SPDX-License-Identifier: MIT OR Apache-2.0
//! The escapes in which the table and the transcript write bytes, and variables.

use std::collections::HashMap;
use std::fmt::Write;

/// `\n`, `\t`, `\\`, `\"`, `\xHH`; `None` for any other escape.
pub(crate) fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let (byte, taken) = match after {
            [b'n', ..] => (b'\n', 1),
            [b't', ..] => (b'\t', 1),
            [byte @ (b'\\' | b'"'), ..] => (*byte, 1),
            [b'x', digits @ ..] => (from_hex(digits.get(..2)?)?[0], 3),
            _ => return None,
        };
        bytes.push(byte);
        rest = &after[taken..];
    }
    Some(bytes)
}

/// Plain ASCII stays; the rest is written with the same escapes, but for the quote, which stays too.
pub(crate) fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'\n' => text.push_str("\\n"),
            b'\t' => text.push_str("\\t"),
            b'\\' => text.push_str("\\\\"),
            0x20..=0x7e => text.push(char::from(*byte)),
            _ => write!(text, "\\x{byte:02x}").expect("a String takes everything"),
        }
    }
    text
}

pub(crate) fn to_hex(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
}

pub(crate) fn from_hex(digits: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    if digits.len() % 2 != 0 {
        return None;
    }
    digits.chunks(2).map(|pair| Some(digit(pair[0])? * 16 + digit(pair[1])?)).collect()
}

pub(crate) fn contains(bytes: &[u8], part: &[u8]) -> bool {
    part.is_empty() || bytes.windows(part.len()).any(|window| window == part)
}

/// A variable is either literal, or expanded again at each use.
#[derive(Clone)]
pub(crate) enum Variable {
    Literal(Vec<u8>),
    Template(Vec<u8>),
}

#[derive(Clone, Default)]
pub(crate) struct Variables(HashMap<String, Variable>);

impl Variables {
    pub(crate) fn set(&mut self, name: &str, value: Variable) {
        self.0.insert(name.to_owned(), value);
    }

    /// Replaces each `${NAME}`.
    pub(crate) fn expand(&self, text: &[u8]) -> Result<Vec<u8>, String> {
        let mut whole = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.windows(2).position(|two| two == b"${") {
            let Some(length) = rest[start..].iter().position(|byte| *byte == b'}') else { break };
            let name = String::from_utf8_lossy(&rest[start + 2..start + length]);
            whole.extend(&rest[..start]);
            match self.0.get(name.as_ref()) {
                Some(Variable::Literal(value)) => whole.extend(value),
                Some(Variable::Template(value)) => whole.extend(self.expand(value)?),
                None => return Err(format!("there is no ${{{name}}}")),
            }
            rest = &rest[start + length + 1..];
        }
        whole.extend(rest);
        Ok(whole)
    }
}
