//! `keywright serve`: turns keys when they are due until it is told to stop; health and metrics over HTTP; what is pushed to
//! forges is looked through.

use std::net::SocketAddr;
use std::sync::Arc;

use rotation::Scheduler;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::Exit;
use crate::app::App;
use crate::channels::Channels;
use crate::cli::Serve;
use crate::error::{CommandError, operator};
use crate::keeper::Keeping;
use crate::pushes::Pushes;
use crate::tally::{Tally, Vitals};

pub(crate) async fn run(mut app: App, options: &Serve) -> Result<Exit, CommandError> {
    app.run_alone();
    let listener = match options.listen.or(app.config.serve.listen) {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    let tally = Arc::new(Tally::new(app.hooks.observer.clone()));
    let vitals = Arc::new(Vitals::new(&app, Arc::clone(&tally)));
    let pushes = Pushes::open(&app, &tally).await?;
    let hooks = match app.config.serve.listen_hooks {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    let (stop, stopped) = watch::channel(());
    let work = Box::pin(pushes.work(until_dropped(stopped.clone())));
    let hooks = hooks.map(|(listener, address)| {
        app.ui.note(&format!("taking webhooks at http://{address}/hooks/NAME"));
        tokio::spawn(forges::serve(listener, Arc::clone(&pushes) as Arc<_>, until_dropped(stopped.clone())))
    });
    let http = listener.map(|(listener, address)| {
        app.ui.note(&format!("listening on http://{address}: /healthz /readyz /metrics"));
        tokio::spawn(monitor::serve(listener, Arc::clone(&vitals) as Arc<_>, until_dropped(stopped)))
    });
    app.ui.note("scheduling; stop with Ctrl-C, read the configuration anew with SIGHUP");
    let mut again = signal(SignalKind::hangup())
        .map_err(|error| operator("cannot listen for signals").caused_by(&error))?;
    let scheduling = async {
        let scheduled = keep_scheduling(&mut app, &tally, &vitals, &mut again, &pushes).await;
        drop(stop);
        scheduled
    };
    let (scheduled, ()) = tokio::join!(scheduling, work);
    for task in [http, hooks].into_iter().flatten() {
        drop(task.await);
    }
    scheduled?;
    app.store.flush_log().await?;
    Ok(Exit::Done)
}

/// With one configuration after the other.
async fn keep_scheduling(
    app: &mut App,
    tally: &Arc<Tally>,
    vitals: &Vitals,
    again: &mut Signal,
    pushes: &Pushes,
) -> Result<(), CommandError> {
    while schedule(app, tally, vitals, again).await? == Ended::ToBeginAnew {
        // Its secrets were fetched once already, or it would not have been taken.
        if let Err(report) = pushes.declare(app).await {
            app.ui.report(&report.mend("until then, the former forges hold"));
        }
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// There is a new configuration.
    ToBeginAnew,
    ForGood,
}

/// Schedules until it is told to stop, or the configuration has changed. A faulty one is told, and the former holds.
async fn schedule(
    app: &mut App,
    tally: &Arc<Tally>,
    vitals: &Vitals,
    again: &mut Signal,
) -> Result<Ended, CommandError> {
    let channels = Channels::open(app.channels().await?, app.hidden_variables(), &app.clock);
    let channels = channels.counted_by(tally);
    let names = channels.names().into_iter().cloned().collect();
    let engine = app.engine_watched_by(Keeping::Kept, Some(Arc::clone(tally) as Arc<_>));
    let scheduler = Scheduler::new(engine, Arc::new(channels), app.config.serve.schedule);
    vitals.look_at(scheduler.pulse(), names);
    let (stop, stopped) = watch::channel(());
    let mut scheduling = std::pin::pin!(scheduler.run(until_dropped(stopped)));
    let ended = loop {
        tokio::select! {
            ended = &mut scheduling => {
                ended?;
                return Ok(Ended::ForGood);
            }
            () = crate::told_to_stop() => break Ended::ForGood,
            Some(()) = again.recv() => if app.reload().await { break Ended::ToBeginAnew },
        }
    };
    app.ui.note("stopping: what is in hand may end");
    drop(stop);
    scheduling.await?;
    Ok(ended)
}

/// The sender is dropped when it is time.
async fn until_dropped(mut stopped: watch::Receiver<()>) {
    while stopped.changed().await.is_ok() {}
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
