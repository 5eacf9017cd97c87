//! URLs of things that a service has.

use url::Url;

/// What lies below `base`: each segment is percent-encoded as a whole, `.` and `..` are left out.
pub(crate) fn below(mut base: Url, segments: &[&str], query: &[(&str, &str)]) -> Url {
    if let Ok(mut path) = base.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    if !query.is_empty() {
        base.query_pairs_mut().extend_pairs(query);
    }
    base
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_stays_one() {
        let check = |base: &str, segments: &[&str], wanted: &str| {
            assert_eq!(below(Url::parse(base).unwrap(), segments, &[]).as_str(), wanted);
        };
        check("https://a/", &["v1", "x y"], "https://a/v1/x%20y");
        check("https://a/b/", &["../c?d#e"], "https://a/b/..%2Fc%3Fd%23e");
        check("https://a/b", &["..", "c:add"], "https://a/b/c:add");
    }
}
