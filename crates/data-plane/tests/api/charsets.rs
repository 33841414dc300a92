//! Files in other character sets than UTF-8: read as stated, refused by line, never guessed.

use std::cell::RefCell;
use std::path::PathBuf;

use dataspace_data_plane::{
    ColumnType, Plan, Table, TableOptions,
    errors::{OpenError, ReadError, RowError, RunError},
};
use proptest::prelude::*;

use crate::common::{CONTRACT, all_rows, key};

thread_local! {
    /// Files stay until the test ends.
    static KEPT: RefCell<Vec<tempfile::TempDir>> = const { RefCell::new(Vec::new()) };
}

fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    KEPT.with_borrow_mut(|kept| kept.push(directory));
    path
}

fn stated(name: &str, bytes: &[u8], charset: &str) -> Result<Table, OpenError> {
    Table::open_with(file(name, bytes), &TableOptions::new().charset(charset))
}

fn row_error(name: &str, bytes: &[u8], charset: &str) -> RowError {
    match stated(name, bytes, charset).unwrap_err() {
        OpenError::Row(error) => error,
        other => panic!("{other}"),
    }
}

/// Everything in the file, with its header.
fn text(table: &Table) -> String {
    let schema = table.schema();
    let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    format!("{}\n{}\n", names.join(","), all_rows(table).join("\n"))
}

fn utf16(text: &str, little: bool) -> Vec<u8> {
    let unit = |unit: u16| if little { unit.to_le_bytes() } else { unit.to_be_bytes() };
    text.encode_utf16().flat_map(unit).collect()
}

/// As Python's codecs write them.
const GB18030: &[u8] =
    b"\xc3\xfb\xb3\xc6,\xd6\xb5\n\xb8\xd6\xb0\xe5,12\n\x949\xfc6\xa2\xe3\x81@,3\n";
const GB18030_TEXT: &str = "名称,值\n钢板,12\n😀€丂,3\n";

#[test]
fn a_stated_character_set_is_read_as_other_programs_write_it() {
    for (charset, bytes, expected) in [
        ("gb18030", GB18030, GB18030_TEXT),
        ("GB18030", GB18030, GB18030_TEXT),
        ("windows-1252", b"Gr\xf6\xdfe,\x80\n\xdf,1\n", "Größe,€\nß,1\n"),
        ("iso-8859-1", b"Gr\xf6\xdfe,b\n\xdf,1\n", "Größe,b\nß,1\n"),
        ("iso-8859-15", b"Gr\xf6\xdfe,\xa4\n\xdf,1\n", "Größe,€\nß,1\n"),
        ("shift_jis", b"\x96\xbc\x91O,\x92l\n\x8d|,1\n", "名前,値\n鋼,1\n"),
        ("utf-8", GB18030_TEXT.as_bytes(), GB18030_TEXT),
        ("utf-16le", &utf16(GB18030_TEXT, true), GB18030_TEXT),
        ("utf-16be", &utf16(GB18030_TEXT, false), GB18030_TEXT),
        ("utf-16", &utf16(&format!("\u{feff}{GB18030_TEXT}"), true), GB18030_TEXT),
        ("utf-16", &utf16(&format!("\u{feff}{GB18030_TEXT}"), false), GB18030_TEXT),
        // The mark goes before what is stated.
        ("gb18030", format!("\u{feff}{GB18030_TEXT}").as_bytes(), GB18030_TEXT),
    ] {
        let table = stated("t.csv", bytes, charset).unwrap();
        assert_eq!(text(&table), expected, "{charset}");
        assert_eq!(text(&table), expected, "{charset}, read again");
    }
}

#[test]
fn json_lines_are_read_in_a_stated_character_set() {
    let json = "{\"名称\":\"钢板\",\"n\":1}\n{\"名称\":null,\"n\":2}\n";
    let table = stated("t.jsonl", &utf16(&format!("\u{feff}{json}"), true), "utf-16").unwrap();
    assert_eq!(text(&table), "名称,n\n钢板,1\n,2\n");
    let error = row_error("t.jsonl", b"{\"a\":\"x\"}\n{\"a\":\"\xff\"}\n", "gb18030");
    assert!(
        matches!(error, RowError::NotCharset { row: 2, line: 2, charset: "gb18030" }),
        "{error}"
    );
}

#[test]
fn without_a_statement_other_bytes_are_refused_with_what_to_do() {
    let refused =
        |bytes: &[u8], name: &str| Table::open(file(name, bytes)).unwrap_err().to_string();
    let gb18030 = refused(b"a,b\n\xb8\xd6\xb0\xe5,1\n", "t.csv");
    assert_eq!(
        gb18030,
        "row 1 (line 2) is not UTF-8, it may be gb18030; state its character set with \
         `TableOptions::charset`"
    );
    assert!(refused(GB18030, "t.csv").contains("it may be gb18030"));
    assert!(refused(b"{\"a\":\"\xb8\xd6\"}\n", "t.jsonl").contains("it may be gb18030"));
    for latin in [&b"a,b\nGr\xf6\xdfe,\xf6\n"[..], b"a,b\n\xdf,1\n", b"a,b\n\xe9t\xe9,1\n"] {
        let error = refused(latin, "t.csv");
        assert!(!error.contains("may be") && error.contains("TableOptions::charset"), "{error}");
    }
    for little in [true, false] {
        for name in ["t.csv", "t.jsonl"] {
            let error = refused(&utf16("\u{feff}a,b\n1,2\n", little), name);
            assert!(error.contains("line 1") && error.contains("may be utf-16"), "{error}");
        }
    }
}

#[test]
fn what_means_nothing_is_an_error_with_its_line_and_is_not_replaced() {
    for (charset, bad) in [
        // Lead bytes without their trail, a trail that is none, four bytes beyond Unicode.
        ("gb18030", &b"\x81"[..]),
        ("gb18030", b"\xb8\n"),
        ("gb18030", b"\xff"),
        ("gb18030", b"\x81\x20"),
        ("gb18030", b"\xe3\x32\x9a\x36"),
        ("shift_jis", b"\x96"),
        ("shift_jis", b"\xa0"),
        ("iso-8859-7", b"\xff"),
        ("utf-8", b"\xc3"),
        ("utf-8", b"\xed\xa0\x80"),
    ] {
        for lines in [0, 1, 20_000] {
            let mut bytes = b"a,b\n".to_vec();
            for line in 0..lines {
                bytes.extend_from_slice(format!("{line},x\n").as_bytes());
            }
            bytes.extend_from_slice(bad);
            let error = row_error("t.csv", &bytes, charset);
            let RowError::NotCharset { line, row, charset: named } = &error else {
                panic!("{charset}: {error}")
            };
            assert_eq!((*line, *row), (lines + 2, lines + 1), "{charset}");
            assert!(named.eq_ignore_ascii_case(charset));
        }
    }
    for little in [true, false] {
        let charset = if little { "utf-16le" } else { "utf-16be" };
        let mut bytes = utf16("a,b\n1,2\n3,", little);
        // Half of a pair, and half of a unit.
        let half = if little { [0x00, 0xd8] } else { [0xd8, 0x00] };
        bytes.extend_from_slice(&half);
        bytes.extend_from_slice(&utf16("x\n", little));
        assert!(matches!(
            row_error("t.csv", &bytes, charset),
            RowError::NotCharset { line: 3, .. }
        ));
        let mut bytes = utf16("a,b\n1,2\n", little);
        bytes.push(b'x');
        assert!(matches!(
            row_error("t.csv", &bytes, charset),
            RowError::NotCharset { line: 3, .. }
        ));
    }
}

#[test]
fn errors_about_character_sets_tell_no_value() {
    let error = row_error("t.csv", b"a,b\nhunter,\xff\n", "gb18030");
    assert_eq!(
        error.to_string(),
        "row 1 (line 2) is not gb18030; its character set is another, or it is damaged"
    );
    assert!(!format!("{error:?}").contains("hunter"));
}

#[test]
fn names_of_no_character_set_are_refused() {
    for name in ["", "gb", "latin", "utf-7", "utf-32", "replacement", "hz-gb-2312", "a\u{202e}b\n"]
    {
        let error = stated("t.csv", b"a\n1\n", name).unwrap_err();
        assert!(matches!(error, OpenError::Charset { .. }), "{name}: {error}");
        assert!(!error.to_string().contains(['\u{202e}', '\n']));
    }
    // The last one counts.
    let options = TableOptions::new().charset("nonsense").charset("gbk");
    assert!(Table::open_with(file("t.csv", GB18030), &options).is_ok());
    let error = stated("t.parquet", b"PAR1", "gb18030").unwrap_err();
    assert!(matches!(error, OpenError::Stated { what: "a character set" }), "{error}");
}

#[test]
fn the_digest_covers_the_character_set() {
    let digest = |charset| stated("t.csv", b"a\n1\n", charset).unwrap().descriptor_digest();
    let plain = Table::open(file("t.csv", b"a\n1\n")).unwrap().descriptor_digest();
    assert_eq!(digest("utf-8"), plain);
    assert_eq!(digest("iso-8859-1"), digest("windows-1252"));
    assert_ne!(digest("gb18030"), plain);
    assert_ne!(digest("gb18030"), digest("windows-1252"));
}

#[test]
fn a_nul_and_a_separator_are_what_they_are_after_decoding() {
    let error = row_error("t.csv", &utf16("a,b\n1,x\0y\n", true), "utf-16le");
    assert!(matches!(error, RowError::Nul { row: 1, line: 2 }), "{error}");
    // A trail byte that looks like a separator or a quote in ASCII: 丨 is 81 5C, 亅 has 7C.
    let bytes = b"a|b\n\x81|\x81|\x81\x5c|1\n";
    let options = TableOptions::new().charset("gb18030").delimiter(b'|');
    let table = Table::open_with(file("t.csv", bytes), &options).unwrap();
    assert_eq!(table.schema().fields().len(), 2);
    assert_eq!(table.row_count(), Some(1));
}

#[test]
fn a_file_whose_bytes_go_wrong_later_releases_nothing() {
    let path = file("t.csv", GB18030);
    let options = TableOptions::new().charset("gb18030").column("值", ColumnType::Integer);
    let table = Table::open_with(&path, &options).unwrap();
    let plan = Plan::compile(&[], &table.schema(), &key(1), CONTRACT).unwrap();
    assert_eq!(plan.run(&table).unwrap().map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 2);
    let mut bytes = GB18030.to_vec();
    bytes.extend_from_slice(b"\xff,4\n");
    std::fs::write(&path, &bytes).unwrap();
    let error = plan.run(&table).unwrap_err();
    assert!(
        matches!(
            error,
            RunError::Read(ReadError::Row(RowError::NotCharset { row: 3, line: 4, .. }))
        ),
        "{error}"
    );
    assert_eq!(error.to_string(), "the table cannot be read");
}

#[test]
fn characters_that_lie_across_what_is_read_at_once_stay_whole() {
    for shift in 0..8 {
        let lines: Vec<_> = (0..20_000).map(|line| format!("行{line}😀\n")).collect();
        let csv = format!("a\n{}\n{}", "x".repeat(shift), lines.concat());
        let table = stated("t.csv", &utf16(&csv, true), "utf-16le").unwrap();
        let mut expected: Vec<_> = csv.lines().skip(1).map(str::to_owned).collect();
        if shift == 0 {
            "\"\"".clone_into(&mut expected[0]);
        }
        assert!(all_rows(&table) == expected, "{shift}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn a_text_is_the_same_in_utf_8_and_utf_16(cells in prop::collection::vec("\\PC{0,12}", 1..20), little in any::<bool>()) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["a", "b"]).unwrap();
        for cell in &cells {
            writer.write_record([cell.as_str(), "x"]).unwrap();
        }
        let csv = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        let options = TableOptions::new().delimiter(b',');
        let plain = Table::open_with(file("t.csv", csv.as_bytes()), &options).unwrap();
        let charset = if little { "utf-16le" } else { "utf-16be" };
        let path = file("t.csv", &utf16(&csv, little));
        let decoded = Table::open_with(path, &options.charset(charset)).unwrap();
        prop_assert_eq!(plain.schema(), decoded.schema());
        prop_assert_eq!(all_rows(&plain), all_rows(&decoded));
    }
}
