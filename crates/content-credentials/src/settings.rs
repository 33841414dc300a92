//! What `c2pa` is told before it reads.

use c2pa::Context;

use crate::limits::MANIFEST_LEN_MAX;

/// How credentials are read: all checks, the operator's list, no network, no look into identities.
pub(crate) fn context(anchors: Option<&str>) -> c2pa::Result<Context> {
    let settings = serde_json::json!({
        "verify": {
            "verify_after_reading": true,
            "verify_trust": true,
            "ocsp_fetch": false,
            "remote_manifest_fetch": false,
        },
        "core": {
            "decode_identity_assertions": false,
            "allowed_network_hosts": [],
            "max_decompressed_manifest_size_in_mb": MANIFEST_LEN_MAX >> 20,
        },
    });
    let context = Context::new().with_settings(settings.to_string())?;
    match anchors {
        None => Ok(context),
        Some(anchors) => {
            let trust = serde_json::json!({ "trust": { "trust_anchors": anchors } });
            context.with_settings(trust.to_string())
        }
    }
}
