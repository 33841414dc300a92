//! The bytes of a sealed file, pinned: what lies on people's disks must go on opening.

use dataspace_sealed::{Sealed, seal::Finished};

use crate::support::{consumer, content, contract, finished, from_hex, now, read, seal, to_hex};

/// Compares with a file in `vectors/sealed`, or writes it where `UPDATE_GOLDEN` is set.
fn assert_is_pinned(name: &str, file: &[u8]) -> Vec<u8> {
    let lines: Vec<_> = file.chunks(40).map(to_hex).collect();
    let found = lines.join("\n") + "\n";
    let path = format!("{}/../../vectors/sealed/{name}.hex", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let pinned = std::fs::read_to_string(&path).unwrap();
    assert_eq!(pinned, found, "{name}");
    from_hex(&pinned)
}

fn check(name: &str, file: &Finished<Vec<u8>>, content: &[u8]) {
    let pinned = assert_is_pinned(name, &file.to);
    let sealed = Sealed::read(&pinned[..]).unwrap();
    let key = sealed.unwrap_key(&consumer(), &contract(), now()).unwrap();
    assert_eq!(read(&pinned, &key).unwrap(), content);
}

#[test]
fn the_bytes_of_a_file_of_three_chunks_are_pinned() {
    let content = content(2_500);
    check("three-chunks", &finished(seal(), &content, 2), &content);
}

#[test]
fn the_bytes_of_an_empty_file_are_pinned() {
    check("empty", &finished(seal().content_len(0), b"", 3), b"");
}
