//! Splits a file of JSON lines that is read in parts.

/// Maximum length of a line in bytes.
pub const MAX_LINE_BYTES: usize = 64 * 1024;

/// Where a part of a file begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// Whether it is the beginning of the file.
    pub is_first: bool,
    /// Whether it is within a line that is too long and has been reported.
    pub is_within_line: bool,
}

/// One line without its end, or `TooLong`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    Text(&'a [u8]),
    /// Only white space: it counts as a line and has no product.
    Empty,
    TooLong,
}

/// The lines of one part.
#[derive(Debug, PartialEq, Eq)]
pub struct Lines<'a> {
    /// The lines that begin in this part and end in it, or are too long.
    pub lines: Vec<Line<'a>>,
    /// Bytes of the part that are done with. The next part begins after them.
    pub taken: usize,
    /// Whether the part ends within a line that is too long.
    pub is_within_line: bool,
}

/// The byte order mark that some editors put at the beginning.
const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Splits the beginning of `part` into at most `most` lines. `is_last`: nothing follows it. A part that is not the last one has more than
/// [`MAX_LINE_BYTES`] bytes, so that at least one line of it is taken.
pub fn split(part: &[u8], start: Start, is_last: bool, most: usize) -> Lines<'_> {
    let (mut lines, mut rest) = (Vec::new(), part);
    if start.is_first {
        rest = rest.strip_prefix(BOM).unwrap_or(rest);
    }
    let mut is_within_line = start.is_within_line;
    if is_within_line {
        match end_of(rest) {
            Some(end) => (rest, is_within_line) = (rest.get(end + 1..).unwrap_or_default(), false),
            None => return Lines { lines, taken: part.len(), is_within_line: !is_last },
        }
    }
    while !rest.is_empty() && lines.len() < most {
        match end_of(rest) {
            Some(end) => {
                lines.push(line(rest.get(..end).unwrap_or_default()));
                rest = rest.get(end + 1..).unwrap_or_default();
            }
            None if is_last => {
                lines.push(line(rest));
                rest = &[];
            }
            None if rest.len() > MAX_LINE_BYTES => {
                lines.push(Line::TooLong);
                (rest, is_within_line) = (&[], true);
            }
            None => break,
        }
    }
    Lines { lines, taken: part.len() - rest.len(), is_within_line }
}

fn end_of(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| *byte == b'\n')
}

fn line(bytes: &[u8]) -> Line<'_> {
    match bytes.trim_ascii() {
        [] => Line::Empty,
        text if text.len() > MAX_LINE_BYTES => Line::TooLong,
        text => Line::Text(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Start = Start { is_first: true, is_within_line: false };
    const LATER: Start = Start { is_first: false, is_within_line: false };

    fn texts<'a>(lines: &Lines<'a>) -> Vec<&'a [u8]> {
        let text = |line: &Line<'a>| if let Line::Text(text) = line { *text } else { b"-" };
        lines.lines.iter().map(text).collect()
    }

    #[test]
    fn mark_and_carriage_returns_are_no_content_and_empty_lines_count() {
        let lines = split(b"\xEF\xBB\xBFa\r\n\r\n \t\nb", FIRST, true, 9);
        assert_eq!(texts(&lines), [&b"a"[..], b"-", b"-", b"b"]);
        assert_eq!((lines.taken, lines.is_within_line), (12, false));
        assert_eq!(texts(&split(b"\xEF\xBB\xBFa", LATER, true, 9)), [b"\xEF\xBB\xBFa"]);
        assert_eq!(texts(&split(b"a\rb\x0bc", FIRST, true, 9)), [b"a\rb\x0bc"]);
    }

    #[test]
    fn incomplete_line_is_left_to_the_next_part() {
        let lines = split(b"a\nbc", FIRST, false, 9);
        assert_eq!((texts(&lines), lines.taken), (vec![&b"a"[..]], 2));
        assert_eq!(split(b"a\nb\nc\n", FIRST, true, 2).taken, 4);
        assert_eq!(split(b"", FIRST, true, 2), Lines { lines: vec![], taken: 0, is_within_line: false });
    }

    #[test]
    fn line_that_is_too_long_is_reported_once_however_many_parts_it_has() {
        let long = vec![b'x'; MAX_LINE_BYTES + 1];
        let first = split(&long, FIRST, false, 9);
        assert_eq!(first, Lines { lines: vec![Line::TooLong], taken: long.len(), is_within_line: true });
        let within = Start { is_first: false, is_within_line: true };
        assert_eq!(split(&long, within, false, 9), Lines { lines: vec![], taken: long.len(), is_within_line: true });
        let end = split(b"xx\nb\n", within, true, 9);
        assert_eq!((texts(&end), end.taken, end.is_within_line), (vec![&b"b"[..]], 5, false));
        assert_eq!(split(b"xx", within, true, 9), Lines { lines: vec![], taken: 2, is_within_line: false });
        let whole = [&long[..], b"\nb"].concat();
        assert_eq!(split(&whole, FIRST, true, 9).lines, [Line::TooLong, Line::Text(b"b")]);
    }

    #[test]
    fn split_in_parts_of_any_size_gives_the_same_lines() {
        let long = "y".repeat(MAX_LINE_BYTES + 5);
        let file = format!("one\n\n{long}\ntwo\r\n{long}{long}\nthree");
        let whole: Vec<Line<'_>> = split(file.as_bytes(), FIRST, true, usize::MAX).lines;
        for (size, most) in [(MAX_LINE_BYTES + 1, 1), (MAX_LINE_BYTES + 7, 3), (3 * MAX_LINE_BYTES, 2)] {
            let (mut position, mut start, mut lines) = (0, FIRST, Vec::new());
            while position < file.len() {
                let end = file.len().min(position + size);
                let part = split(&file.as_bytes()[position..end], start, end == file.len(), most);
                assert!(part.taken > 0, "each part makes progress");
                lines.extend(part.lines);
                position += part.taken;
                start = Start { is_first: false, is_within_line: part.is_within_line };
            }
            assert_eq!(lines, whole, "{size} {most}");
        }
    }
}
