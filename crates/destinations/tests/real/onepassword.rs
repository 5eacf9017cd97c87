//! What is sent to a Connect server, judged by Prism under the published description of Connect 1.5.7.
//!
//! Prism keeps nothing: the server of recorded shapes answers, and each request that it saw is sent to Prism as well.

use std::time::Duration;

use destinations::{Search, Wanted};

use url::Url;

use crate::{
    connect::ConnectPlace,
    place::{RemotePlace as _, key, open, services},
    record::entry,
};

#[tokio::test(flavor = "multi_thread")]
async fn real_prism_takes_what_is_sent_to_onepassword() {
    let Some(prism) = entry("prism_onepassword") else { return };
    let place = ConnectPlace::<false>::start().await;
    let destination = open(&place);
    destination.check().await.unwrap();
    for name in ["one", "two"] {
        destination.deliver(&key(name)).await.unwrap();
    }
    destination.restore(None).await.unwrap();
    let wanted = Wanted { name: "backups".into(), secret: key("one") };
    let mut search = Search::new(vec![wanted], 100);
    services(&place, &[]).search("1password", &mut search).await.unwrap();
    place.server().assert_clean();

    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
    let mut puts = 0;
    for seen in place.server().seen() {
        let mut url: Url = format!("{}{}", prism.url(), seen.path).parse().unwrap();
        if !seen.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&seen.query);
        }
        let mut request = client.request(seen.method.parse().unwrap(), url);
        for (name, value) in
            seen.headers.iter().filter(|(name, _)| name != "host" && name != "content-length")
        {
            request = request.header(name, value);
        }
        let answer = request.body(seen.body.clone()).send().await.unwrap();
        // It names what it finds wrong in a header, even where it answers all the same.
        assert!(answer.status().is_success(), "{} {}: {answer:?}", seen.method, seen.path);
        assert_eq!(answer.headers().get("sl-violations"), None, "{} {}", seen.method, seen.path);
        puts += u32::from(seen.method == "PUT");
    }
    assert_eq!(puts, 3);
}
