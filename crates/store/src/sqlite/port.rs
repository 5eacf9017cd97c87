//! The port's methods. Values are sealed and opened here, on the caller's side; threads see only what is sealed.

use model::{
    Change, Changes, Event, Fence, Fingerprint, Instance, InstanceName, Integration, IntegrationName, Key,
    KeyId, Leadership, LeaseHolder, NewRotation, Period, Rotation, RotationId, Secret, StartOutcome, Store,
    StoreError, Timestamp,
};

use super::{SqliteStore, changes, leadership, lease, records, rotations};
use crate::rows::{
    HeldBy, Start, prepare, previous_place, previous_row, seal, sealed_place, secret_place, to_json, until,
};

#[async_trait::async_trait]
impl Store for SqliteStore {
    async fn put_instance(
        &self,
        instance: &Instance,
        sealed: Vec<(String, Option<Secret>)>,
        events: Vec<Event>,
    ) -> Result<(), StoreError> {
        let sealer = self.sealer.read().await;
        let name = instance.name.to_string();
        let json = to_json("instance", &name, instance)?;
        let seal = |(name, value): (String, Option<Secret>)| {
            let place = sealed_place(&name);
            let value = value.map(|value| sealer.seal_text(place, &value)).transpose()?;
            Ok((name, value))
        };
        let sealed = sealed.into_iter().map(seal).collect::<Result<Vec<_>, StoreError>>()?;
        self.write(&sealer, events, move |conn| {
            records::put_instance(conn, &name, &json)?;
            sealed.iter().try_for_each(|(name, value)| records::put_sealed(conn, name, value.as_deref()))
        })
        .await
    }

    async fn instances(&self) -> Result<Vec<Instance>, StoreError> {
        self.readers.read(records::instances).await
    }

    async fn instance(&self, name: &InstanceName) -> Result<Option<Instance>, StoreError> {
        let name = name.clone();
        self.readers.read(move |conn| records::instance(conn, name.as_str())).await
    }

    async fn put_sealed(
        &self,
        name: &str,
        value: Option<&Secret>,
        events: Vec<Event>,
    ) -> Result<(), StoreError> {
        let sealer = self.sealer.read().await;
        let place = sealed_place(name);
        let sealed = value.map(|value| sealer.seal_text(place, value)).transpose()?;
        let name = name.to_owned();
        self.write(&sealer, events, move |conn| records::put_sealed(conn, &name, sealed.as_deref())).await
    }

    async fn put_secret(
        &self,
        name: &str,
        secret: Option<(&Secret, &serde_json::Value)>,
        events: Vec<Event>,
    ) -> Result<(), StoreError> {
        let sealer = self.sealer.read().await;
        let sealed = secret.map(|(value, _)| sealer.seal_text(sealed_place(name), value)).transpose()?;
        let (name, memo) = (name.to_owned(), secret.map(|(_, memo)| memo.to_string()));
        self.write(&sealer, events, move |conn| {
            records::put_sealed(conn, &name, sealed.as_deref())?;
            records::put_memo(conn, &name, memo.as_deref())
        })
        .await
    }

    async fn sealed(&self, name: &str) -> Result<Option<Secret>, StoreError> {
        let sealer = self.sealer.read().await;
        let row = name.to_owned();
        let sql = "SELECT value FROM sealed WHERE name = ?1";
        let found = self.readers.read(move |conn| records::bytes(conn, sql, [row])).await?;
        found.map(|sealed| sealer.open_text(sealed_place(name), &sealed)).transpose()
    }

    async fn put_integrations(
        &self,
        integrations: Vec<Integration>,
        events: Vec<Event>,
    ) -> Result<(), StoreError> {
        let sealer = self.sealer.read().await;
        self.write(&sealer, events, move |conn| {
            integrations.iter().try_for_each(|integration| records::put_integration(conn, integration))
        })
        .await
    }

    async fn integrations(&self) -> Result<Vec<Integration>, StoreError> {
        self.readers.read(records::integrations).await
    }

    async fn integration(&self, name: &IntegrationName) -> Result<Option<Integration>, StoreError> {
        let name = name.clone();
        self.readers.read(move |conn| records::integration(conn, name.as_str())).await
    }

    async fn keys(&self, integration: Option<&IntegrationName>) -> Result<Vec<Key>, StoreError> {
        let name = integration.cloned();
        self.readers.read(move |conn| records::keys(conn, name.as_ref())).await
    }

    async fn living_keys(&self) -> Result<Vec<Key>, StoreError> {
        self.readers.read(records::living_keys).await
    }

    async fn key(&self, id: KeyId) -> Result<Option<Key>, StoreError> {
        self.readers.read(move |conn| records::key(conn, id)).await
    }

    async fn key_with_fingerprint(&self, fingerprint: &Fingerprint) -> Result<Option<Key>, StoreError> {
        let fingerprint = fingerprint.to_string();
        self.readers.read(move |conn| records::key_with_fingerprint(conn, &fingerprint)).await
    }

    async fn note_use(&self, used: Vec<(KeyId, Timestamp)>) -> Result<(), StoreError> {
        let sealer = self.sealer.read().await;
        self.write(&sealer, Vec::new(), move |conn| records::note_use(conn, &used)).await
    }

    async fn redate_key(&self, id: KeyId, made_at: Timestamp, events: Vec<Event>) -> Result<(), StoreError> {
        let sealer = self.sealer.read().await;
        self.write(&sealer, events, move |conn| records::redate_key(conn, id, made_at)).await
    }

    async fn key_secret(&self, id: KeyId) -> Result<Option<Secret>, StoreError> {
        let sealer = self.sealer.read().await;
        let row = id.to_string();
        let param = row.clone();
        let sql = "SELECT secret FROM key WHERE id = ?1";
        let found = self.readers.read(move |conn| records::bytes(conn, sql, [param])).await?;
        found.map(|sealed| sealer.open_text(secret_place(&row), &sealed)).transpose()
    }

    async fn start_rotation(&self, new: NewRotation, events: Vec<Event>) -> Result<StartOutcome, StoreError> {
        let sealer = self.sealer.read().await;
        let NewRotation { rotation, integration, supersede, holder, lease_for, adopt } = new;
        let held_by = HeldBy::new(&holder, rotation.started_at, lease_for)?;
        let adopt = adopt
            .map(|adopted| {
                let (key, secret) = *adopted;
                let sealed = sealer.seal_text(secret_place(&key.id.to_string()), &secret)?;
                Ok::<_, StoreError>((key, sealed))
            })
            .transpose()?;
        let start = Start { rotation, integration, supersede, held_by, adopt };
        let events = prepare(events)?;
        self.write(&sealer, Vec::new(), move |conn| {
            let outcome = rotations::start(conn, &start)?;
            if matches!(outcome, StartOutcome::Started(_)) {
                super::outbox::insert(conn, &events)?;
            }
            Ok(outcome)
        })
        .await
    }

    async fn rotation(&self, id: RotationId) -> Result<Option<Rotation>, StoreError> {
        self.readers.read(move |conn| rotations::rotation(conn, id)).await
    }

    async fn open_rotations(&self) -> Result<Vec<Rotation>, StoreError> {
        self.readers.read(rotations::open).await
    }

    async fn rotations_of(
        &self,
        integration: &IntegrationName,
        limit: u32,
    ) -> Result<Vec<Rotation>, StoreError> {
        let name = integration.clone();
        self.readers.read(move |conn| rotations::of_integration(conn, name.as_str(), limit)).await
    }

    async fn previous(&self, rotation: RotationId, step: u32) -> Result<Option<Secret>, StoreError> {
        let sealer = self.sealer.read().await;
        let sql = "SELECT previous FROM rotation_step WHERE rotation = ?1 AND number = ?2";
        let found =
            self.readers.read(move |conn| records::bytes(conn, sql, (rotation.to_string(), step))).await?;
        let row = previous_row(rotation, step);
        found.map(|sealed| sealer.open_text(previous_place(&row), &sealed)).transpose()
    }

    async fn take_lease(
        &self,
        rotation: RotationId,
        holder: &LeaseHolder,
        now: Timestamp,
        lease_for: Period,
        over: Option<Fence>,
    ) -> Result<Fence, StoreError> {
        let sealer = self.sealer.read().await;
        let by = HeldBy::new(holder, now, lease_for)?;
        self.write(&sealer, Vec::new(), move |conn| lease::take(conn, rotation, &by, now, over)).await
    }

    async fn renew_lease(&self, fence: &Fence, now: Timestamp, lease_for: Period) -> Result<(), StoreError> {
        let sealer = self.sealer.read().await;
        let (fence, until) = (*fence, until(now, lease_for)?);
        self.write(&sealer, Vec::new(), move |conn| lease::renew(conn, &fence, until)).await
    }

    async fn release_lease(&self, fence: &Fence) -> Result<(), StoreError> {
        let sealer = self.sealer.read().await;
        let fence = *fence;
        self.write(&sealer, Vec::new(), move |conn| lease::release(conn, &fence)).await
    }

    async fn commit(
        &self,
        fence: &Fence,
        changes: Vec<Change>,
        events: Vec<Event>,
    ) -> Result<(), StoreError> {
        let sealer = self.sealer.read().await;
        let fence = *fence;
        let changes = changes
            .into_iter()
            .map(|change| seal(&sealer, fence.rotation, change))
            .collect::<Result<Vec<_>, _>>()?;
        self.write(&sealer, events, move |conn| rotations::commit(conn, &fence, changes)).await
    }

    async fn put_memo(
        &self,
        name: &str,
        memo: Option<&serde_json::Value>,
        events: Vec<Event>,
    ) -> Result<(), StoreError> {
        let sealer = self.sealer.read().await;
        let (name, memo) = (name.to_owned(), memo.map(ToString::to_string));
        self.write(&sealer, events, move |conn| records::put_memo(conn, &name, memo.as_deref())).await
    }

    async fn memos(&self, prefix: &str) -> Result<Vec<(String, serde_json::Value)>, StoreError> {
        let prefix = prefix.to_owned();
        self.readers.read(move |conn| records::memos(conn, &prefix)).await
    }

    async fn lead(&self, role: &str, _holder: &LeaseHolder) -> Result<Box<dyn Leadership>, StoreError> {
        leadership::lead(&self.path, role).await
    }

    async fn changes(&self) -> Result<Box<dyn Changes>, StoreError> {
        changes::watch(&self.path)
    }

    async fn record(&self, events: Vec<Event>) -> Result<(), StoreError> {
        let sealer = self.sealer.read().await;
        if events.is_empty() {
            return Ok(());
        }
        self.write(&sealer, events, |_conn| Ok(())).await
    }

    async fn flush_log(&self) -> Result<(), StoreError> {
        self.relay.flush().await
    }
}
