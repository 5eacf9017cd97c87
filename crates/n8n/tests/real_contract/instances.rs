//! Where the contract takes place: an instance that runs, a new member of it, an address of its own.

use n8n::testing::{Door, enable_mfa, fresh_user, real_instance};

use crate::suite::{Ground, sessions};

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
