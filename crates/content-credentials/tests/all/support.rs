use std::io::Cursor;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use c2pa::{Builder, Context, EphemeralSigner, Signer as _};
use dataspace_content_credentials::{ContentCredentials, TrustList};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const JPEG: &str = "image/jpeg";
pub(crate) const PNG: &str = "image/png";
pub(crate) const WAV: &str = "audio/wav";
pub(crate) const MP4: &str = "video/mp4";
pub(crate) const ALL: [&str; 4] = [JPEG, PNG, WAV, MP4];

fn picture(format: image::ImageFormat, seed: u32) -> Vec<u8> {
    let level = |x: u32, y: u32| u8::try_from((x * seed + y * y / 3) % 251).unwrap();
    let picture = image::RgbImage::from_fn(48, 32, |x, y| {
        image::Rgb([level(x, y), level(y, x), level(x + y, 1)])
    });
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn box_of(name: &str, content: &[u8]) -> Vec<u8> {
    let len = u32::try_from(content.len() + 8).unwrap();
    [&len.to_be_bytes()[..], name.as_bytes(), content].concat()
}

/// A file without credentials; another one for each seed.
pub(crate) fn plain(format: &str, seed: u32) -> Vec<u8> {
    match format {
        JPEG => picture(image::ImageFormat::Jpeg, seed),
        PNG => picture(image::ImageFormat::Png, seed),
        WAV => {
            let spec = hound::WavSpec {
                channels: 1,
                sample_rate: 8_000,
                bits_per_sample: 16,
                sample_format: hound::SampleFormat::Int,
            };
            let mut bytes = Cursor::new(Vec::new());
            let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
            for n in 0..2_000_u32 {
                writer.write_sample(i16::try_from(n * seed % 9_973).unwrap()).unwrap();
            }
            writer.finalize().unwrap();
            bytes.into_inner()
        }
        _ => {
            let data: Vec<u8> =
                (0..2_000_u32).map(|n| u8::try_from(n * seed % 251).unwrap()).collect();
            let head = box_of("mvhd", &[0; 100]);
            [
                box_of("ftyp", b"isom\0\0\0\x01isomiso2mp41"),
                box_of("moov", &head),
                box_of("mdat", &data),
            ]
            .concat()
        }
    }
}

/// An assertion on training: uses, and what is said of each.
pub(crate) fn on_training(label: &str, entries: &[(&str, &str)]) -> Value {
    let entries: serde_json::Map<String, Value> =
        entries.iter().map(|(of, said)| ((*of).to_owned(), json!({ "use": said }))).collect();
    json!({ "label": label, "data": { "entries": entries } })
}

pub(crate) fn not_allowed() -> Value {
    on_training("c2pa.training-mining", &[("c2pa.ai_training", "notAllowed")])
}

/// A builder of a manifest with these assertions.
pub(crate) fn builder(format: &str, assertions: &[Value]) -> Builder {
    let mut all = vec![json!({
        "label": "c2pa.actions.v2",
        "data": { "actions": [{
            "action": "c2pa.created",
            "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture",
        }] },
    })];
    all.extend_from_slice(assertions);
    let definition = json!({
        "claim_generator_info": [{ "name": "a test", "version": "1" }],
        "format": format,
        "title": "a work",
        "assertions": all,
    });
    let settings = json!({ "builder": { "thumbnail": { "enabled": false } } });
    let context = Context::new().with_settings(settings.to_string()).unwrap();
    Builder::from_context(context).with_definition(definition.to_string()).unwrap()
}

pub(crate) fn sign(mut builder: Builder, format: &str, plain: &[u8]) -> Vec<u8> {
    sign_by(&EphemeralSigner::new("maker.example").unwrap(), &mut builder, format, plain)
}

pub(crate) fn sign_by(
    signer: &EphemeralSigner,
    builder: &mut Builder,
    format: &str,
    plain: &[u8],
) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    builder.sign(signer, format, &mut Cursor::new(plain), &mut file).unwrap();
    file.into_inner()
}

pub(crate) fn signed(format: &str, assertions: &[Value]) -> Vec<u8> {
    sign(builder(format, assertions), format, &plain(format, 7))
}

/// The certificates of a signer; the last one signed the others.
pub(crate) fn pem(signer: &EphemeralSigner) -> String {
    let root = signer.certs().unwrap().pop().unwrap();
    let text = base64::engine::general_purpose::STANDARD.encode(root);
    let lines: Vec<_> =
        text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

pub(crate) fn file(dir: &TempDir, bytes: &[u8]) -> PathBuf {
    let path = dir.path().join("work");
    std::fs::write(&path, bytes).unwrap();
    path
}

pub(crate) fn read_path(path: &Path) -> ContentCredentials {
    ContentCredentials::read(path, &TrustList::none()).unwrap()
}

pub(crate) fn read(bytes: &[u8]) -> ContentCredentials {
    let dir = tempfile::tempdir().unwrap();
    read_path(&file(&dir, bytes))
}

/// The chunks of a PNG: names, and all their bytes.
pub(crate) fn chunks(png: &[u8]) -> Vec<(&[u8], &[u8])> {
    let (mut rest, mut all) = (&png[8..], Vec::new());
    while let Some(len) = rest.first_chunk::<4>() {
        let len = usize::try_from(u32::from_be_bytes(*len)).unwrap() + 12;
        all.push((&rest[4..8], &rest[..len]));
        rest = &rest[len..];
    }
    all
}

/// A chunk of a PNG, without a right sum.
pub(crate) fn chunk(name: &str, content: &[u8]) -> Vec<u8> {
    let len = u32::try_from(content.len()).unwrap();
    [&len.to_be_bytes()[..], name.as_bytes(), content, &[0; 4]].concat()
}

/// A PNG with this behind its first chunk.
pub(crate) fn png_with(extra: &[u8]) -> Vec<u8> {
    let png = plain(PNG, 7);
    let head = 8 + chunks(&png)[0].1.len();
    [&png[..head], extra, &png[head..]].concat()
}
