//! The contract that every channel keeps, run against each of them.
//!
//! To add one: implement [`receiver::Receiver`] for it in a file here, and give it a line at the end.

#[cfg(test)]
mod command;
#[cfg(test)]
mod mail;
#[cfg(test)]
mod receiver;
#[cfg(test)]
mod smtp;
#[cfg(test)]
mod suite;
#[cfg(test)]
mod webhook;

/// Every case of the suite, for one channel.
#[cfg(test)]
macro_rules! contract {
    ($module:ident, $receiver:ty) => {
        mod $module {
            contract!(@cases $receiver:
                arrives_again_with_the_same_id, a_refusal_is_told, a_wait_is_told, nobody_there_is_unreachable,
                silence_ends_in_time, a_flood_is_bounded, no_secret_is_in_an_error);
        }
    };
    (@cases $receiver:ty: $($case:ident),*) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $case() {
            crate::suite::$case::<$receiver>().await;
        })*
    };
}

#[cfg(test)]
mod kept_by {
    contract!(webhook, crate::webhook::WebhookReceiver);
    contract!(command, crate::command::CommandReceiver);
    contract!(mail_by_starttls, crate::mail::MailReceiver<crate::mail::StartTls>);
    contract!(mail_by_tls, crate::mail::MailReceiver<crate::mail::Tls>);
    contract!(mail_in_the_clear, crate::mail::MailReceiver<crate::mail::Plain>);
}
