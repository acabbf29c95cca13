//! Bodies of several parts (`multipart/form-data`, RFC 7578), as far as creating a job needs them. Pure.

/// One part: its name, its type, what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part<'b> {
    name: String,
    kind: String,
    body: &'b [u8],
}

/// The boundary of a multipart content type.
pub(super) fn boundary(content_type: &str) -> Option<String> {
    let mut words = content_type.split(';').map(str::trim);
    if !words.next()?.to_ascii_lowercase().starts_with("multipart/") {
        return None;
    }
    words.find_map(|word| parameter(word, "boundary")).filter(|b| !b.is_empty())
}

/// `name=value` or `name="value"`.
fn parameter(word: &str, name: &str) -> Option<String> {
    let (found, value) = word.split_once('=')?;
    let value = value.trim();
    let bare = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value);
    found.trim().eq_ignore_ascii_case(name).then(|| bare.to_owned())
}

/// The parts of a body; nothing where it is out of shape. Lines may end with a lone LF: people write such bodies by
/// hand.
pub(super) fn parts<'b>(body: &'b [u8], boundary: &str) -> Option<Vec<Part<'b>>> {
    let mark = format!("--{boundary}");
    let mut rest = after(body, mark.as_bytes())?;
    let mut found = Vec::new();
    while !rest.starts_with(b"--") {
        let end = memchr::memmem::find(rest, format!("\n{mark}").as_bytes())?;
        found.push(part(line_end(&rest[..end]), rest)?);
        rest = &rest[end + 1 + mark.len()..];
    }
    Some(found)
}

fn after<'b>(bytes: &'b [u8], mark: &[u8]) -> Option<&'b [u8]> {
    memchr::memmem::find(bytes, mark).map(|at| &bytes[at + mark.len()..])
}

/// Without the CR of the line end that belongs to the boundary behind it.
fn line_end(bytes: &[u8]) -> &[u8] {
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

/// A part from behind its boundary. `rest` goes on behind the part: an empty one ends where its head does.
fn part<'b>(bytes: &'b [u8], rest: &'b [u8]) -> Option<Part<'b>> {
    let (mut name, mut kind) = (String::new(), String::new());
    let mut at = memchr::memchr(b'\n', rest)? + 1;
    loop {
        let length = memchr::memchr(b'\n', rest.get(at..)?)?;
        let line = std::str::from_utf8(line_end(&rest[at..at + length])).ok()?;
        at += length + 1;
        if line.is_empty() {
            break;
        }
        let (header, value) = line.split_once(':')?;
        if header.trim().eq_ignore_ascii_case("content-type") {
            kind = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        } else if header.trim().eq_ignore_ascii_case("content-disposition") {
            name = value.split(';').find_map(|word| parameter(word, "name")).unwrap_or_default();
        }
    }
    Some(Part { name, kind, body: bytes.get(at..).unwrap_or_default() })
}

/// The part of this name; without one, the nameless part of this type.
pub(super) fn find<'b>(parts: &[Part<'b>], name: &str, kind: &str) -> Option<&'b [u8]> {
    let named = parts.iter().find(|p| p.name == name);
    named.or_else(|| parts.iter().find(|p| p.name.is_empty() && p.kind == kind)).map(|p| p.body)
}

#[cfg(test)]
mod tests {
    use super::{boundary, find, parts};
    use proptest::prelude::*;

    #[test]
    fn boundaries() {
        assert_eq!(boundary("multipart/form-data; boundary=\"a b\"").unwrap(), "a b");
        assert_eq!(boundary("Multipart/Form-Data;charset=x; Boundary=B").unwrap(), "B");
        for none in ["application/json", "multipart/form-data", "multipart/form-data; boundary="] {
            assert_eq!(boundary(none), None, "{none}");
        }
    }

    #[test]
    fn parts_are_told_apart() {
        let body = "--B\r\nContent-Type: application/json\r\nContent-Disposition: form-data; name=\"job\"\r\n\r\n{}\r\n\
                    --B\nContent-Type: text/csv\n\na,b\n1,2\n\n--B--";
        for body in [body.to_owned(), format!("preamble\r\n{body}\r\n")] {
            let parts = parts(body.as_bytes(), "B").unwrap();
            assert_eq!(find(&parts, "job", "x"), Some(&b"{}"[..]));
            assert_eq!(find(&parts, "content", "text/csv"), Some(&b"a,b\n1,2\n"[..]));
            assert_eq!(find(&parts, "other", "text/plain"), None);
        }
        let empty = "--B\r\nContent-Disposition: form-data; name=content\r\n\r\n\r\n--B--";
        assert_eq!(find(&parts(empty.as_bytes(), "B").unwrap(), "content", ""), Some(&b""[..]));
        for bad in ["", "--B", "--B\r\nno head\r\n", "--B\r\nA: b\r\n\r\nnever ends"] {
            assert!(parts(bad.as_bytes(), "B").is_none(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in "(--B|\r|\n|a|:|;|\"|=|name){0,40}") {
            let _ = parts(body.as_bytes(), "B");
        }
    }
}
