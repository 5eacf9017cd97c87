use model::{Secret, Store as _, StoreErrorKind};

use crate::fixture::{Place, at, begin, instance, integration, new};

pub(crate) async fn instances_are_put_replaced_and_listed_by_name(place: &impl Place) {
    let store = place.open();
    assert_eq!(store.instances().await.unwrap(), []);
    for name in ["prod", "dev"] {
        store.put_instance(&instance(name), Vec::new(), Vec::new()).await.unwrap();
    }
    assert_eq!(store.instances().await.unwrap(), [instance("dev"), instance("prod")]);
    let mut changed = instance("dev");
    changed.version = None;
    changed.connected_at = at(5);
    store.put_instance(&changed, Vec::new(), Vec::new()).await.unwrap();
    assert_eq!(store.instance(&changed.name).await.unwrap(), Some(changed));
    assert_eq!(store.instance(&"other".parse().unwrap()).await.unwrap(), None);
}

pub(crate) async fn sealed_values_are_kept_replaced_and_forgotten(place: &impl Place) {
    let store = place.open();
    let name = "instance/prod/session";
    assert_eq!(store.sealed(name).await.unwrap(), None);
    store.put_sealed(name, None, Vec::new()).await.unwrap();
    for text in ["canary-one", "", "canary-\u{0}-ü"] {
        let secret = Secret::new(text);
        store.put_sealed(name, Some(&secret), Vec::new()).await.unwrap();
        assert_eq!(store.sealed(name).await.unwrap(), Some(secret.clone()));
        assert_eq!(place.open().sealed(name).await.unwrap(), Some(secret), "after opening it again");
    }
    assert_eq!(store.sealed("instance/prod").await.unwrap(), None);
    store.put_sealed(name, None, Vec::new()).await.unwrap();
    assert_eq!(store.sealed(name).await.unwrap(), None);
}

pub(crate) async fn integrations_are_declared_by_a_rotation_and_need_their_instance(place: &impl Place) {
    let store = place.open();
    let error = store.start_rotation(new(1, "backups"), Vec::new()).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::NotFound, "{error}");
    assert_eq!(store.integrations().await.unwrap(), []);
    begin(&store, 1, "backups").await;
    begin(&store, 2, "agent").await;
    assert_eq!(store.integrations().await.unwrap(), [integration("agent"), integration("backups")]);
    let name = "backups".parse().unwrap();
    assert_eq!(store.integration(&name).await.unwrap(), Some(integration("backups")));

    // A rotation that does not begin changes no integration.
    let mut second = new(3, "backups");
    second.integration.as_mut().unwrap().owner = None;
    store.start_rotation(second.clone(), Vec::new()).await.unwrap();
    assert_eq!(store.integration(&name).await.unwrap(), Some(integration("backups")));
    second.supersede = Some(crate::fixture::rotation(1, "backups").id);
    store.start_rotation(second.clone(), Vec::new()).await.unwrap();
    assert_eq!(store.integration(&name).await.unwrap(), second.integration);
    assert_eq!(store.integration(&"other".parse().unwrap()).await.unwrap(), None);
}
