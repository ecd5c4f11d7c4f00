// SPDX-License-Identifier: MIT OR Apache-2.0

package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	crtx "github.com/libcrtx/libcrtx/bindings/go"
)

type results = map[string]string

// calls are the steps that call the package.
var calls = map[string]func(*run, *words) (results, error){
	"acquire":            acquire,
	"check":              onLock((*crtx.Lock).Check),
	"leak":               onLock((*crtx.Lock).Leak),
	"release":            onLock((*crtx.Lock).Release),
	"marker":             marker,
	"marker_path":        pathOf((*crtx.Lock).MarkerPath),
	"companion_path":     pathOf((*crtx.Lock).CompanionPath),
	"inspect":            inspect,
	"read_marker":        readMarker,
	"quarantine":         quarantine,
	"takeover":           takeover,
	"verify_takeover":    verifyTakeover,
	"list_evidence":      listEvidence,
	"verify_evidence":    verifyEvidence,
	"build_takeover":     buildTakeover,
	"build_intent":       buildIntent,
	"verify_intent":      verifyIntent,
	"sign":               sign,
	"public_key":         publicKey,
	"operator_principal": operatorPrincipal,
	"blake3_file":        blake3File,
	"status":             status,
	"version":            version,
}

// ---- errors ----

// sentinels are what an error is asked for, by the status it stands for.
var sentinels = map[string]error{
	"CRTX_E_INVALID_ARGUMENT":       crtx.ErrInvalidArgument,
	"CRTX_E_BAD_HANDLE":             crtx.ErrBadHandle,
	"CRTX_E_FORKED":                 crtx.ErrForked,
	"CRTX_E_BUFFER_TOO_SMALL":       crtx.ErrBufferTooSmall,
	"CRTX_E_MARKER_EXISTS":          crtx.ErrMarkerExists,
	"CRTX_E_CONTENDED":              crtx.ErrContended,
	"CRTX_E_MARKER_ABSENT":          crtx.ErrMarkerAbsent,
	"CRTX_E_LOST":                   crtx.ErrLost,
	"CRTX_E_IO":                     crtx.ErrIO,
	"CRTX_E_NO_PARENT_DIRECTORY":    crtx.ErrNoParentDirectory,
	"CRTX_E_NOT_REGULAR_FILE":       crtx.ErrNotRegularFile,
	"CRTX_E_INSECURE_PERMISSIONS":   crtx.ErrInsecurePermissions,
	"CRTX_E_UNSUPPORTED_FILESYSTEM": crtx.ErrUnsupportedFilesystem,
	"CRTX_E_NAME_TOO_LONG":          crtx.ErrNameTooLong,
	"CRTX_E_TOO_LARGE":              crtx.ErrTooLarge,
	"CRTX_E_MARKER_MALFORMED":       crtx.ErrMarkerMalformed,
	"CRTX_E_UNTRUSTED_KEY":          crtx.ErrUntrustedKey,
	"CRTX_E_SIGNATURE_LENGTH":       crtx.ErrSignatureLength,
	"CRTX_E_BAD_SIGNATURE":          crtx.ErrBadSignature,
	"CRTX_E_PAYLOAD_MALFORMED":      crtx.ErrPayloadMalformed,
	"CRTX_E_KIND_MISMATCH":          crtx.ErrKindMismatch,
	"CRTX_E_SCHEMA_MISMATCH":        crtx.ErrSchemaMismatch,
	"CRTX_E_PRINCIPAL_MISMATCH":     crtx.ErrPrincipalMismatch,
	"CRTX_E_DEPLOYMENT_MISMATCH":    crtx.ErrDeploymentMismatch,
	"CRTX_E_NOT_YET_VALID":          crtx.ErrNotYetValid,
	"CRTX_E_EXPIRED":                crtx.ErrExpired,
	"CRTX_E_WINDOW_INVALID":         crtx.ErrWindowInvalid,
	"CRTX_E_STALE_PID_MISMATCH":     crtx.ErrStalePIDMismatch,
	"CRTX_E_STALE_TIME_MISMATCH":    crtx.ErrStaleTimeMismatch,
	"CRTX_E_STALE_DIGEST_MISMATCH":  crtx.ErrStaleDigestMismatch,
	"CRTX_E_JUSTIFICATION_INVALID":  crtx.ErrJustificationInvalid,
	"CRTX_E_PATH_MISMATCH":          crtx.ErrPathMismatch,
	"CRTX_E_DIGEST_MISMATCH":        crtx.ErrDigestMismatch,
	"CRTX_E_EVIDENCE_INVALID":       crtx.ErrEvidenceInvalid,
	"CRTX_E_INTERNAL":               crtx.ErrInternal,
}

// statusOf is the name of the one sentinel that the error matches; if the error itself has another
// one, or matches another number of them, all are told.
func statusOf(err *crtx.Error) string {
	var matched []string
	for name, sentinel := range sentinels {
		if errors.Is(err, sentinel) {
			matched = append(matched, name)
		}
	}
	if len(matched) == 1 && matched[0] == err.Status.Name() {
		return matched[0]
	}
	return fmt.Sprintf("%s-matches-%v", err.Status.Name(), matched)
}

func nameOf(state crtx.MarkerState) string {
	if state == 0 {
		return ""
	}
	return strings.ToUpper(strings.ReplaceAll(state.String(), " ", "_"))
}

func answer(found results, err error) outcome {
	if err == nil {
		return outcome{"CRTX_OK", found}
	}
	var failure *crtx.Error
	if !errors.As(err, &failure) {
		return outcome{fmt.Sprintf("%T", err), results{"message": err.Error()}}
	}
	return outcome{statusOf(failure), results{
		"state":     nameOf(failure.MarkerState),
		"os_error":  strconv.Itoa(int(failure.Errno)),
		"operation": failure.Op,
		"message":   failure.Message,
	}}
}

// ---- the lock ----

func owner(w *words) crtx.Owner {
	host, _ := w.optional("host")
	return crtx.Owner{
		DeploymentID:        w.text("deployment_id"),
		OperatorPrincipalID: w.text("operator_principal_id"),
		RestoreIntentBLAKE3: w.text("restore_intent_blake3"),
		Host:                host,
	}
}

func options(w *words) []crtx.Option {
	var all []crtx.Option
	if durability, _ := w.optional("durability"); durability == "process-crash" {
		all = append(all, crtx.WithDurability(crtx.ProcessCrash))
	}
	if w.allows("network") {
		all = append(all, crtx.WithAllowNetworkFilesystem())
	}
	if w.allows("shared") {
		all = append(all, crtx.WithAllowSharedDirectory())
	}
	return all
}

func acquire(r *run, w *words) (results, error) {
	lock, err := acquireInTime(w)
	if err == nil {
		r.locks[w.text("lock")] = lock
	}
	return nil, err
}

func acquireInTime(w *words) (*crtx.Lock, error) {
	timeout := time.Duration(w.number("timeout_ms")) * time.Millisecond
	if timeout == 0 {
		return crtx.TryAcquire(w.text("path"), owner(w), options(w)...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	lock, err := crtx.Acquire(ctx, w.text("path"), owner(w), options(w)...)
	if err != nil && errors.Is(err, context.DeadlineExceeded) != (ctx.Err() != nil) {
		w.fail(fmt.Errorf("the context's error is not as it should be: %w", err))
	}
	return lock, err
}

func (r *run) lock(w *words) *crtx.Lock {
	lock, ok := r.locks[w.text("lock")]
	if !ok {
		w.fail(fmt.Errorf("no lock %s was acquired", w.text("lock")))
	}
	return lock
}

func onLock(call func(*crtx.Lock) error) func(*run, *words) (results, error) {
	return func(r *run, w *words) (results, error) {
		return nil, call(r.lock(w))
	}
}

func pathOf(call func(*crtx.Lock) (string, error)) func(*run, *words) (results, error) {
	return func(r *run, w *words) (results, error) {
		path, err := call(r.lock(w))
		return results{"path": path}, err
	}
}

func marker(r *run, w *words) (results, error) {
	found, err := r.lock(w).Marker()
	return fieldsOf(found), err
}

// ---- a marker on disk ----

func fieldsOf(found crtx.Marker) results {
	var nanoseconds int64
	if found.AcquiredAtText != "" {
		nanoseconds = found.AcquiredAt.UnixNano()
	}
	return results{
		"state":                 nameOf(found.State),
		"pid":                   strconv.FormatUint(uint64(found.PID), 10),
		"acquired_at_unix_ns":   strconv.FormatInt(nanoseconds, 10),
		"acquired_at":           found.AcquiredAtText,
		"host":                  found.Host,
		"deployment_id":         found.DeploymentID,
		"operator_principal_id": found.OperatorPrincipalID,
		"scope":                 found.Scope,
		"restore_intent_blake3": found.RestoreIntentBLAKE3,
		"marker_blake3":         found.MarkerBLAKE3,
	}
}

func inspect(_ *run, w *words) (results, error) {
	found, err := crtx.Inspect(w.text("path"))
	return fieldsOf(found), err
}

func readMarker(_ *run, w *words) (results, error) {
	content, err := crtx.ReadMarker(w.text("path"))
	return results{"bytes": string(content)}, err
}

func document(w *words) crtx.SignedDocument {
	return crtx.SignedDocument{
		Payload:      w.bytes("payload"),
		Signature:    w.hex("signature"),
		PublicKey:    w.hex("public_key"),
		DeploymentID: w.text("deployment_id"),
		Now:          w.now(),
	}
}

func quarantine(_ *run, w *words) (results, error) {
	stalePath, err := crtx.Quarantine(w.text("path"), document(w), options(w)...)
	return results{"stale_path": stalePath}, err
}

func takeover(r *run, w *words) (results, error) {
	lock, stalePath, err := crtx.Takeover(w.text("path"), document(w), owner(w), options(w)...)
	if err == nil {
		r.locks[w.text("lock")] = lock
	}
	return results{"stale_path": stalePath}, err
}

func verifyTakeover(_ *run, w *words) (results, error) {
	return nil, crtx.VerifyTakeover(w.text("path"), document(w), options(w)...)
}

func listEvidence(_ *run, w *words) (results, error) {
	paths, err := crtx.ListEvidence(w.text("path"))
	found := results{"count": strconv.Itoa(len(paths))}
	for i, path := range paths {
		found[strconv.Itoa(i+1)] = path
	}
	return found, err
}

func verifyEvidence(_ *run, w *words) (results, error) {
	return nil, crtx.VerifyEvidence(w.text("path"), w.hex("public_key"))
}

// ---- documents and keys ----

func buildTakeover(_ *run, w *words) (results, error) {
	deployment, _ := w.optional("deployment_id")
	payload, err := crtx.BuildTakeover(w.text("path"), crtx.TakeoverRequest{
		DeploymentID:  deployment,
		PublicKey:     w.hex("public_key"),
		Justification: w.text("justification"),
		ValidFor:      time.Duration(w.number("valid_for")) * time.Second,
		Now:           w.now(),
	})
	return results{"payload": string(payload)}, err
}

func intent(w *words) crtx.Intent {
	return crtx.Intent{
		ActiveDBPath:         w.text("active_db_path"),
		ActiveEventLogPath:   w.text("active_event_log_path"),
		BackupManifestBLAKE3: w.text("backup_manifest_blake3"),
		StagedSQLiteBLAKE3:   w.text("staged_sqlite_blake3"),
		StagedJSONLBLAKE3:    w.text("staged_jsonl_blake3"),
	}
}

func buildIntent(_ *run, w *words) (results, error) {
	payload, err := crtx.BuildIntent(crtx.IntentRequest{
		Intent:       intent(w),
		DeploymentID: w.text("deployment_id"),
		PublicKey:    w.hex("public_key"),
		ValidFor:     time.Duration(w.number("valid_for")) * time.Second,
		Now:          w.now(),
	})
	return results{"payload": string(payload)}, err
}

func verifyIntent(_ *run, w *words) (results, error) {
	digest, err := crtx.VerifyIntent(document(w), intent(w))
	return results{"digest": digest}, err
}

func sign(_ *run, w *words) (results, error) {
	signature, err := crtx.Sign(w.hex("seed"), w.bytes("payload"))
	return results{"signature": hex.EncodeToString(signature)}, err
}

func publicKey(_ *run, w *words) (results, error) {
	key, err := crtx.PublicKey(w.hex("seed"))
	return results{"public_key": hex.EncodeToString(key)}, err
}

func operatorPrincipal(_ *run, w *words) (results, error) {
	principal, err := crtx.OperatorPrincipal(w.hex("public_key"))
	return results{"principal": principal}, err
}

func blake3File(_ *run, w *words) (results, error) {
	digest, err := crtx.BLAKE3File(w.text("path"))
	return results{"digest": digest}, err
}

// ---- about the library ----

func status(_ *run, w *words) (results, error) {
	number := crtx.Status(w.number("number"))
	return results{"name": number.Name(), "message": number.Error()}, nil
}

func version(_ *run, _ *words) (results, error) {
	abi := strconv.FormatUint(uint64(crtx.ABIVersion()), 10)
	return results{"version": crtx.Version(), "abi_version": abi}, nil
}
