//! An integration in memory whose destinations are real places.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use futures_util::future::LocalBoxFuture;
use model::{
    Address, Destination, DestinationError, Hook, Instance, Integration, Issuer, KeyModel, Mode, Period,
    Report, RotationId, RotationStatus,
};
use rotation::{Engine, World};

use super::post::{JUNK, Post, Posted};
use super::scene::Scene;
use super::support::{Faults, Process, Rig, Setup, address};
use super::{Seen, Stand};

/// Fresh places.
pub(crate) type Made = LocalBoxFuture<'static, Vec<Arc<dyn Stand>>>;
/// How they are made.
pub(crate) type Stands = fn() -> Made;

pub(crate) struct Ground {
    pub(crate) rig: Rig,
    pub(crate) posts: Vec<Arc<Post>>,
}

impl Ground {
    /// Each place holds what the mode begins with: the key, nothing, or what somebody else put there.
    pub(crate) async fn new(scene: Scene, stands: Stands) -> Self {
        let stands = stands().await;
        let (model, grace) = (KeyModel::Many, Period::seconds(60));
        let (has_key, destinations) = (scene.mode != Mode::Create, stands.len());
        let mut rig =
            Rig::new(Setup { model, has_key, destinations, grace, text_of_second: false, seed: 42 });
        if destinations > 1 {
            rig.hook_up(2);
        }
        let mut posts = Vec::new();
        for (number, stand) in stands.into_iter().enumerate() {
            let junk = scene.mode == Mode::Deliver && stand.is_readable();
            let held = if junk { Some(JUNK.to_owned()) } else { rig.outside.text(&address(number)) };
            if let Some(text) = &held {
                stand.put_by_hand(text);
            }
            rig.before[number] = rig.outside.arrange(|state| {
                let place = state.places.get_mut(&address(number)).unwrap();
                (place.text, place.guarded) = (held, place.guarded && !junk);
                if place.taken_up.is_some() {
                    place.take_up();
                }
                place.clone()
            });
            posts.push(Arc::new(Post::new(address(number), stand, &rig.outside)));
        }
        Self { rig, posts }
    }

    /// In that process: it opens every place itself.
    pub(crate) fn engine(&self, process: &Arc<Process>) -> Engine {
        let engine = self.rig.engine(process);
        let world = RealWorld {
            fake: engine.world.clone(),
            posts: self.posts.clone(),
            opened: Mutex::new(vec![None; self.posts.len()]),
            faults: self.rig.faults.clone(),
            process: process.clone(),
        };
        Engine { world: Arc::new(world), ..engine }
    }

    /// In a process of its own, which runs undisturbed.
    pub(crate) fn calm_engine(&self) -> Engine {
        self.engine(&self.rig.process(None))
    }

    /// Counts anew; nothing goes wrong any more.
    pub(crate) fn reset(&self) {
        self.rig.faults.off();
        for post in &self.posts {
            post.reset();
            post.note();
        }
    }

    /// What is at each place.
    pub(crate) fn look(&self) -> Vec<Seen> {
        self.posts.iter().map(|post| post.stand.look(&post.known())).collect()
    }

    /// Everything that does not hold; what is around a key is one of what was seen on undisturbed days.
    pub(crate) fn violations(&self, arounds: &[BTreeSet<String>]) -> Vec<String> {
        let mut found = self.rig.violations();
        let dead = self.dead();
        for ((post, seen), arounds) in self.posts.iter().zip(self.look()).zip(arounds) {
            let at = &post.address;
            if !arounds.contains(&seen.around) {
                found.push(format!("around `{at}` there is {:?}, not one of {arounds:?}", seen.around));
            }
            found.extend(post.stand.untidy(&dead).into_iter().map(|what| format!("`{at}`: {what}")));
        }
        found
    }

    /// The texts of keys that the last rotation proved dead.
    fn dead(&self) -> Vec<String> {
        let Some(last) = self.rig.store.look(|kept| kept.rotations.last().cloned()) else {
            return Vec::new();
        };
        let ids = match (last.status, last.mode) {
            (_, Mode::Revoke | Mode::Deliver) => Vec::new(),
            (RotationStatus::Done, _) => last.old_keys,
            _ => last.new_key.into_iter().collect(),
        };
        let keys = self.rig.store.keys();
        let names: Vec<_> =
            keys.iter().filter(|key| ids.contains(&key.id)).map(|key| &key.native_id).collect();
        self.rig.outside.look(|state| {
            let dead = state.keys.iter().filter(|key| !key.lives && names.contains(&&key.native_id));
            dead.map(|key| key.text.clone()).collect()
        })
    }
}

/// An n8n in memory, and real places.
struct RealWorld {
    fake: Arc<dyn World>,
    posts: Vec<Arc<Post>>,
    opened: Mutex<Vec<Option<Arc<dyn Destination>>>>,
    faults: Arc<Faults>,
    process: Arc<Process>,
}

#[async_trait::async_trait]
impl World for RealWorld {
    async fn issuer(&self, instance: &Instance) -> Result<Arc<dyn Issuer>, Report> {
        self.fake.issuer(instance).await
    }

    fn destination(
        &self,
        to: &Address,
        _of: &Integration,
        _during: Option<RotationId>,
    ) -> Result<Arc<dyn Destination>, DestinationError> {
        let number = self.posts.iter().position(|post| post.address == *to).unwrap();
        let post = self.posts[number].clone();
        let mut opened = self.opened.lock().unwrap();
        let opened = opened[number].get_or_insert_with(|| post.stand.open()).clone();
        let (faults, process) = (self.faults.clone(), self.process.clone());
        Ok(Arc::new(Posted { post, opened, faults, process }))
    }

    fn hook(
        &self,
        to: &Address,
        of: &Integration,
        during: Option<RotationId>,
    ) -> Result<Arc<dyn Hook>, DestinationError> {
        self.fake.hook(to, of, during)
    }
}
