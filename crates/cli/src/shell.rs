//! Commands that are printed can be copied into a shell as they are.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use dataspace_primitives::shown;

/// The path as one word of a POSIX shell that no option is taken for. Where it holds what cannot
/// be shown, `$'…'` (bash, zsh, ksh, and POSIX since 2024).
pub(crate) fn quoted(path: &Path) -> String {
    let bytes = path.as_os_str().as_bytes();
    let start = if bytes.starts_with(b"-") { "./" } else { "" };
    let is_bare = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+,:@%=".contains(byte);
    match path.to_str() {
        Some(text) if !bytes.is_empty() && bytes.iter().all(is_bare) => format!("{start}{text}"),
        Some(text) if shown(text).to_string() == text => {
            format!("'{start}{}'", text.replace('\'', r"'\''"))
        }
        _ => {
            let mut word = format!("$'{start}");
            for byte in bytes {
                match byte {
                    b'\'' | b'\\' => word.extend(['\\', char::from(*byte)]),
                    b' '..=b'~' => word.push(char::from(*byte)),
                    // Octal ends after three digits, whatever follows.
                    byte => {
                        let _ = write!(word, "\\{byte:03o}");
                    }
                }
            }
            word + "'"
        }
    }
}

/// The path for a message: what is not text stands there as `\xff`.
pub(crate) fn shown_path(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    let mut text = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        let _ = write!(text, "{}", shown(chunk.valid()));
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_gets_the_path_as_it_is() {
        for bytes in [
            &b"demo/evidence.cbor"[..],
            b"a b",
            b"it's",
            b"$(id)`id`;&|<>*?[]{}~!#\"\\",
            b"line\nbreak\ttab",
            b"\x1b[2J",
            b"not \xff text \\ '",
            "Müller שלום".as_bytes(),
            b"",
        ] {
            let path = Path::new(OsStr::from_bytes(bytes));
            let script = format!("printf %s {}", quoted(path));
            let output = Command::new("bash").args(["-c", &script]).output().unwrap();
            assert_eq!(output.stdout, bytes, "{script}");
            assert!(script.chars().all(|c| !c.is_control()), "{script:?}");
        }
    }

    #[test]
    fn no_path_is_taken_for_an_option() {
        assert_eq!(quoted(Path::new("-rf")), "./-rf");
        assert_eq!(quoted(Path::new("-r f")), "'./-r f'");
    }

    #[test]
    fn a_path_is_shown_without_what_steers_a_terminal() {
        let path = Path::new(OsStr::from_bytes(b"a\x1b[2J\xff/b"));
        assert_eq!(shown_path(path), r"a\u{1b}[2J\xff/b");
    }
}
