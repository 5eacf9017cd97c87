//! Where the contract takes place: an instance that runs, a new member of it, an address of its own.

use model::Issuer as _;
use n8n::testing::{Door, enable_mfa, fresh_user, kept_session, real_instance};

use crate::runs;
use crate::suite::{Ground, api, new_key, sessions};

async fn ground(version: &'static str, second_factor: bool) -> Option<Ground> {
    let Some(instance) = real_instance(version).unwrap() else {
        println!("skipped: no n8n {version} runs here");
        return None;
    };
    let user = fresh_user(&instance).await.unwrap();
    let mfa = if second_factor {
        let setup = enable_mfa(&instance, &user).await.unwrap();
        Some((setup.seed, setup.recovery_codes))
    } else {
        None
    };
    let door = Door::open(&instance.url).await.unwrap();
    let scopes = match version {
        "2.41.1" => 56,
        "1.123.81" => 23,
        _ => 0,
    };
    Some(Ground {
        version,
        url: door.url().to_owned(),
        email: user.email,
        password: user.password,
        mfa,
        scopes,
        role: "global:member",
        session: None,
        _keep: Box::new(door),
    })
}

mod real_2_41 {
    crate::contract!(super::ground("2.41.1", false));

    #[tokio::test]
    async fn a_second_factor_opens_a_session() {
        if let Some(ground) = super::ground("2.41.1", true).await {
            super::sessions::a_second_factor_opens_a_session(&ground).await;
        }
    }

    #[tokio::test]
    async fn a_wrong_second_factor_is_refused() {
        if let Some(ground) = super::ground("2.41.1", true).await {
            super::sessions::a_wrong_second_factor_is_refused(&ground).await;
        }
    }
}

#[tokio::test]
async fn real_2_41_an_owner_sees_and_deletes_everybodys_keys() {
    let Some(member) = ground("2.41.1", false).await else { return };
    let instance = real_instance("2.41.1").unwrap().unwrap();
    let of_member = member.issuer().await;
    let key = of_member.create(&new_key(of_member.capabilities())).await.unwrap();

    let owner = Ground { email: instance.email.clone(), password: instance.password.clone(), ..member };
    let keeper = owner.keeper();
    keeper.put(Some(kept_session(&instance.cookie, &owner.url).unwrap()));
    let client = owner.client(keeper.clone());
    let learned = client.learn().await.unwrap();
    assert!(learned.user.is_owner() && learned.capabilities.available_scopes.len() == 106);
    let issuer = n8n::N8nIssuer::new(client, learned.capabilities);
    let listed = issuer.list().await.unwrap();
    let seen = listed.iter().find(|listed| listed.native_id == key.native_id).expect("the member's key");
    assert!(seen.owner.as_deref().is_some_and(|owner| owner.starts_with("canary-")), "{:?}", seen.owner);
    issuer.delete(&key.native_id).await.unwrap();
    issuer.prove_dead(&key.secret).await.unwrap();
    // All that with the session that was there.
    assert_eq!(keeper.logins(), 0);
}

/// The instance's owner, by the session that was there.
async fn owner(version: &'static str) -> Option<Ground> {
    let instance = real_instance(version).unwrap()?;
    let door = Door::open(&instance.url).await.unwrap();
    Some(Ground {
        version,
        url: door.url().to_owned(),
        session: Some(kept_session(&instance.cookie, door.url()).unwrap()),
        email: instance.email,
        password: instance.password,
        mfa: None,
        scopes: 0,
        role: "global:owner",
        _keep: Box::new(door),
    })
}

#[tokio::test]
async fn real_2_41_an_owner_reads_what_members_may_not() {
    let Some(owner) = owner("2.41.1").await else { return };
    api::credentials_tags_and_users_are_listed(&owner).await;
    api::what_may_not_be_read_is_said_so(&owner).await;
    api::what_it_can_do_is_told(&owner).await;
}

#[tokio::test]
async fn real_1_123_an_owner_reads_what_members_may_not() {
    let Some(owner) = owner("1.123.81").await else { return };
    api::credentials_tags_and_users_are_listed(&owner).await;
    api::what_may_not_be_read_is_said_so(&owner).await;
}

#[tokio::test]
async fn real_2_41_what_ran_and_what_is_published_is_read() {
    if let Some(ground) = ground("2.41.1", false).await {
        runs::what_ran_and_what_is_published_is_read(&ground).await;
    }
}

#[tokio::test]
async fn real_1_123_what_ran_and_what_is_published_is_read() {
    if let Some(ground) = ground("1.123.81", false).await {
        runs::what_ran_and_what_is_published_is_read(&ground).await;
    }
}

mod real_1_123 {
    crate::contract!(super::ground("1.123.81", false));

    #[tokio::test]
    async fn a_second_factor_opens_a_session() {
        if let Some(ground) = super::ground("1.123.81", true).await {
            super::sessions::a_second_factor_opens_a_session(&ground).await;
        }
    }

    #[tokio::test]
    async fn a_wrong_second_factor_is_refused() {
        if let Some(ground) = super::ground("1.123.81", true).await {
            super::sessions::a_wrong_second_factor_is_refused(&ground).await;
        }
    }
}

mod real_1_72 {
    crate::contract!(super::ground("1.72.1", false));

    #[tokio::test]
    async fn a_second_factor_opens_a_session() {
        if let Some(ground) = super::ground("1.72.1", true).await {
            super::sessions::a_second_factor_opens_a_session(&ground).await;
        }
    }
}

mod real_1_60 {
    crate::contract!(super::ground("1.60.1", false));

    #[tokio::test]
    async fn a_second_factor_opens_a_session() {
        if let Some(ground) = super::ground("1.60.1", true).await {
            super::sessions::a_second_factor_opens_a_session(&ground).await;
        }
    }
}
