//! Five destinations of different kinds at once: one fails at each point, the others go on.

use std::sync::Arc;

use crate::{
    doppler::DopplerPlace,
    drills::{Dose, Made, Stand, Work, drill_all},
    files::{command::CommandPlace, document::JsonPlace, dotenv::DotenvPlace, in_memory, place::Place as _},
    place::RemotePlace as _,
    stand::RemoteStand,
};

/// The list of the five.
fn five() -> Made {
    in_memory();
    Box::pin(async {
        let five: [Arc<dyn Stand>; 5] = [
            Arc::new(DotenvPlace::new()),
            Arc::new(RemoteStand(DopplerPlace::start().await)),
            Arc::new(JsonPlace::new()),
            Arc::new(RemoteStand(DopplerPlace::start().await)),
            Arc::new(CommandPlace::new()),
        ];
        five.into()
    })
}

#[test]
fn rotations_survive_mishaps() {
    drill_all("five at once", five, Work::Rotation, Dose::OneOf(1)).assert(450);
}

#[test]
fn undoing_survives_mishaps() {
    drill_all("five at once, undone", five, Work::Undoing, Dose::OneOf(1)).assert(200);
}
