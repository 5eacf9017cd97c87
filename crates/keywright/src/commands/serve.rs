//! `keywright serve`: turns keys when they are due until it is told to stop; health and metrics over HTTP.

use std::net::SocketAddr;
use std::sync::Arc;

use rotation::Scheduler;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::Exit;
use crate::app::App;
use crate::channels::Channels;
use crate::cli::Serve;
use crate::error::{CommandError, operator};
use crate::keeper::Keeping;
use crate::tally::{Tally, Vitals};

pub(crate) async fn run(app: App, options: &Serve) -> Result<Exit, CommandError> {
    let listen = options.listen.or(app.config.serve.listen);
    let listener = match listen {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    let channels = Channels::open(app.channels().await?, app.hidden_variables(), &app.clock);
    let names = channels.names().into_iter().cloned().collect();
    let tally = Arc::new(Tally::new(app.hooks.observer.clone()));
    let engine = app.engine_watched_by(Keeping::Kept, Some(Arc::clone(&tally) as Arc<_>));
    let scheduler = Scheduler::new(engine, Arc::new(channels), app.config.serve.schedule);
    let vitals = Arc::new(Vitals::new(&app, scheduler.pulse(), tally, names));

    let (stop, stopped) = watch::channel(());
    let until_stopped = |mut stopped: watch::Receiver<()>| async move {
        // The sender is dropped when it is time.
        while stopped.changed().await.is_ok() {}
    };
    let http = listener.map(|(listener, address)| {
        app.ui.note(&format!("listening on http://{address}: /healthz /readyz /metrics"));
        tokio::spawn(monitor::serve(listener, vitals, until_stopped(stopped.clone())))
    });
    app.ui.note("scheduling; stop with Ctrl-C");
    let scheduling = scheduler.run(until_stopped(stopped));
    let mut scheduling = std::pin::pin!(scheduling);
    let early = tokio::select! {
        ended = &mut scheduling => Some(ended),
        () = crate::told_to_stop() => None,
    };
    drop(stop);
    let ended = if let Some(ended) = early {
        ended
    } else {
        app.ui.note("stopping: what is in hand may end");
        scheduling.await
    };
    if let Some(http) = http {
        drop(http.await);
    }
    ended?;
    app.store.flush_log().await?;
    Ok(Exit::Done)
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), CommandError> {
    let failed = |error: &std::io::Error| {
        operator(format!("cannot listen on `{address}`"))
            .caused_by(error)
            .mend("keywright serve --listen 127.0.0.1:9876   # another port, or an address of this host")
    };
    let listener = TcpListener::bind(address).await.map_err(|error| failed(&error))?;
    let bound = listener.local_addr().map_err(|error| failed(&error))?;
    Ok((listener, bound))
}
