//! What may be said to x264 in its own words.
//!
//! libx264 takes a text of `key=value` pairs past all of libav's options. The pairs that would have it touch
//! files, or give another stream than [`VideoEncoder`](super::VideoEncoder) promises, are refused here; whether a
//! key exists and takes that value is for x264 to say, when it is opened.

use crate::codec::Codec;
use crate::error::{Error, Result};

const FILES: &str = "it reads or writes files";
const HEADERS: &str = "parameter sets must be in the stream, in Annex B";
const JOINING: &str = "the stream must be joinable at its key pictures";
const DESCRIPTION: &str =
    "what the pictures are is agreed: size, rate, scanning, shape and colours of pixels";

const REFUSED: [(&str, &str); 25] = [
    ("stats", FILES),
    ("pass", FILES),
    ("dump-yuv", FILES),
    ("cqmfile", FILES),
    ("opencl", FILES),
    ("opencl-clbin", FILES),
    ("opencl-device", FILES),
    ("repeat-headers", HEADERS),
    ("global-header", HEADERS),
    ("annexb", HEADERS),
    ("intra-refresh", JOINING),
    ("avcintra-class", DESCRIPTION),
    ("crop-rect", DESCRIPTION),
    ("sar", DESCRIPTION),
    ("fps", DESCRIPTION),
    ("interlaced", DESCRIPTION),
    ("fake-interlaced", DESCRIPTION),
    ("tff", DESCRIPTION),
    ("bff", DESCRIPTION),
    ("fullrange", DESCRIPTION),
    ("range", DESCRIPTION),
    ("colorprim", DESCRIPTION),
    ("transfer", DESCRIPTION),
    ("alternative-transfer", DESCRIPTION),
    ("colormatrix", DESCRIPTION),
];

/// Why a parameter of that name is refused, if it is.
pub(super) fn refusal(key: &str) -> Option<&'static str> {
    let key = canonical(key);
    REFUSED.iter().find(|(refused, _)| *refused == key).map(|(_, reason)| *reason)
}

/// Gives libx264 the `key=value:key=value` of `text`, once `name` was found to be the option for it.
///
/// Always through `x264opts`: under the name `x264-params`, libav logs what x264 does not know, and goes on.
pub(super) fn set_parameters(codec: &mut Codec, name: &str, text: &str, encoder: &str) -> Result<()> {
    for pair in text.split(':') {
        let key = pair.split_once('=').map_or(pair, |(key, _)| key);
        if let Some(reason) = refusal(key) {
            return Err(Error::invalid(name, pair, reason));
        }
    }
    codec.set_option("x264opts", text, encoder)
}

/// A key as `x264_param_parse` reads it: with hyphens, and without the `no` that turns it round.
fn canonical(key: &str) -> String {
    let key = key.replace('_', "-");
    match key.strip_prefix("no") {
        Some(turned) => turned.strip_prefix('-').unwrap_or(turned).to_owned(),
        None => key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_in_all_the_spellings_that_x264_reads() {
        for key in ["repeat-headers", "repeat_headers", "no-repeat-headers", "norepeat_headers"] {
            assert_eq!(canonical(key), "repeat-headers");
        }
        assert_eq!(canonical("bframes"), "bframes");
    }
}
