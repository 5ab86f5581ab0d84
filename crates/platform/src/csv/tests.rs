use super::*;
use proptest::{collection::vec, prelude::*};

/// Reads a text in pieces of this many bytes.
fn read(text: &[u8], piece: usize) -> Result<Vec<Vec<String>>, Malformed> {
    let (mut reader, mut records) = (RecordReader::default(), Vec::new());
    let mut take = |record: Record| {
        records.push(record.cells);
        Ok::<(), Malformed>(())
    };
    for piece in text.chunks(piece) {
        reader.push(piece, &mut take)?;
    }
    reader.finish(&mut take)?;
    Ok(records)
}

#[test]
fn records_end_at_lines_and_cells_may_be_quoted() {
    for (text, expected) in [
        ("a,b\r\nc,d\r\n", vec![vec!["a", "b"], vec!["c", "d"]]),
        ("a,b\nc,d", vec![vec!["a", "b"], vec!["c", "d"]]),
        ("\u{feff}sku\nA-1\n", vec![vec!["sku"], vec!["A-1"]]),
        ("\"a,b\",\"c\"\"d\"\r\n", vec![vec!["a,b", "c\"d"]]),
        ("\"two\r\nlines\",\r\n", vec![vec!["two\r\nlines", ""]]),
        ("a,\n\n,\nb,\n", vec![vec!["a", ""], vec!["b", ""]]),
        ("\u{feff}", vec![]),
        ("", vec![]),
    ] {
        for piece in [1, 2, 3, 100] {
            assert_eq!(read(text.as_bytes(), piece).unwrap(), expected, "{text:?} in pieces of {piece}");
        }
    }
}

#[test]
fn what_is_not_csv_is_refused_with_its_row() {
    let long = format!("a\n{}", "x".repeat(256 * 1024 + 1));
    let wide = format!("a\n{}", ",".repeat(300));
    for (text, row, word) in [
        (&b"a\n\"b"[..], 2, "end"),
        (b"a\nb\"c\n", 2, "inside"),
        (b"\"a\"b\n", 1, "behind"),
        (b"a\rb\n", 1, "line feed"),
        (b"a\nb\xff\n", 2, "UTF-8"),
        (long.as_bytes(), 2, "longer"),
        (wide.as_bytes(), 2, "cells"),
    ] {
        let refused = read(text, 7).unwrap_err();
        assert!(refused.row == row && refused.detail.contains(word), "{refused}");
    }
}

#[test]
fn formulas_are_marked_and_the_mark_is_taken_away_once() {
    for (text, written) in [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("'quoted'", "''quoted'"),
        ("\tx", "'\tx"),
        ("\rx", "\"'\rx\""),
        ("plain", "plain"),
        ("a=b", "a=b"),
        ("", ""),
    ] {
        let mut records = Records::default();
        records.text(text).end();
        assert_eq!(records.into_string(), format!("{written}\r\n"));
    }
    assert_eq!((read_text("'=1"), read_text("''x"), read_text("x'"), read_text("'")), ("=1", "'x", "x'", ""));
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        table in vec(vec("[a-z=+@', \"\t\r\n-]{0,6}|\\PC{0,4}", 1..5), 0..6), piece in 1_usize..9,
    ) {
        let mut records = Records::default();
        for row in &table {
            for cell in row {
                records.text(cell);
            }
            records.end();
        }
        let read = read(records.into_string().as_bytes(), piece).unwrap();
        let read: Vec<Vec<String>> = read.iter().map(|row| row.iter().map(|cell| read_text(cell).to_owned()).collect()).collect();
        let expected: Vec<Vec<String>> = table.into_iter().filter(|row| row.iter().any(|cell| !cell.is_empty())).collect();
        prop_assert_eq!(read, expected);
    }
}
