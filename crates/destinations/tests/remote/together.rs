//! Keys of several integrations in one secret, delivered at once.

use std::sync::Arc;

use model::Held;
use tokio::task::JoinSet;

use crate::{
    onepassword::ConnectPlace,
    place::{RemotePlace, key, open_at, services},
    vault::{V1Place, V2Place},
};

async fn all_stay<P: RemotePlace>() {
    let place = P::start().await;
    place.put_by_hand("old");
    let services = services(&place, &[]);
    let address = place.address();
    let secret = address.split_once('#').unwrap().0;
    let names: Vec<String> = (0..10).map(|number| format!("field{number}")).collect();
    let open = |name: &String| open_at(Arc::clone(&services), &format!("{secret}#{name}"));
    let mut deliveries = JoinSet::new();
    for name in &names {
        let (destination, key) = (open(name), key(name));
        deliveries.spawn(async move { destination.deliver(&key).await });
    }
    for delivered in deliveries.join_all().await {
        delivered.unwrap();
    }
    for name in &names {
        assert_eq!(open(name).read().await.unwrap(), Held::Value(key(name)), "{name}");
    }
    assert_eq!(place.look().as_deref(), Some("old"));
    place.server().assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_of_one_secret_do_not_lose_each_other() {
    all_stay::<V1Place>().await;
    all_stay::<V2Place>().await;
    all_stay::<ConnectPlace<false>>().await;
    all_stay::<ConnectPlace<true>>().await;
}
