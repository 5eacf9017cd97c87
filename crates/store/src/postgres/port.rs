//! The port's methods. Values are sealed and opened here, on the caller's side; the database sees only what is
//! sealed.

use model::{
    Change, Changes, Event, Fence, Fingerprint, Instance, InstanceName, Integration, IntegrationName, Key,
    KeyId, Leadership, LeaseHolder, NewRotation, Period, Rotation, RotationId, Secret, StartOutcome, Store,
    StoreError, Timestamp,
};

use super::pool::Params;
use super::{PostgresStore, changes, leadership, lease, records, rotations};
use crate::rows::{
    HeldBy, Sealed, Start, prepare, previous_place, previous_row, seal, sealed_place, secret_place, to_json,
    until,
};
use crate::seal::Sealer;

#[async_trait::async_trait]
impl Store for PostgresStore {
    async fn put_instance(
        &self,
        instance: &Instance,
        sealed: Vec<(String, Option<Secret>)>,
        events: Vec<Event>,
    ) -> Result<(), StoreError> {
        let sealer = self.sealer.read().await;
        let name = instance.name.to_string();
        let json = to_json("instance", &name, instance)?;
        let sealed = sealed
            .into_iter()
            .map(|(name, value)| Ok((seal_named(&sealer, &name, value.as_ref())?, name)))
            .collect::<Result<Vec<_>, StoreError>>()?;
        self.write(&sealer, events, move |conn| {
            Box::pin(async move {
                records::put_instance(conn, &name, &json).await?;
                for (value, name) in &sealed {
                    records::put_sealed(conn, name, value.as_deref()).await?;
                }
                Ok(())
            })
        })
        .await
    }

    async fn instances(&self) -> Result<Vec<Instance>, StoreError> {
        let sql = "SELECT name, record FROM instance ORDER BY name";
        records::all("instance", &self.pool.read(sql, Vec::new()).await?)
    }

    async fn instance(&self, name: &InstanceName) -> Result<Option<Instance>, StoreError> {
        let sql = "SELECT name, record FROM instance WHERE name = $1";
        records::one("instance", &self.pool.read(sql, vec![Box::new(name.to_string())]).await?)
    }

    async fn put_sealed(
        &self,
        name: &str,
        value: Option<&Secret>,
        events: Vec<Event>,
    ) -> Result<(), StoreError> {
        let sealer = self.sealer.read().await;
        let sealed = seal_named(&sealer, name, value)?;
        let name = name.to_owned();
        self.write(&sealer, events, move |conn| {
            Box::pin(async move { records::put_sealed(conn, &name, sealed.as_deref()).await })
        })
        .await
    }

    async fn put_secret(
        &self,
        name: &str,
        secret: Option<(&Secret, &serde_json::Value)>,
        events: Vec<Event>,
    ) -> Result<(), StoreError> {
        let sealer = self.sealer.read().await;
        let sealed = seal_named(&sealer, name, secret.map(|(value, _)| value))?;
        let (name, memo) = (name.to_owned(), secret.map(|(_, memo)| memo.to_string()));
        self.write(&sealer, events, move |conn| {
            Box::pin(async move {
                records::put_sealed(conn, &name, sealed.as_deref()).await?;
                records::put_memo(conn, &name, memo.as_deref()).await
            })
        })
        .await
    }

    async fn sealed(&self, name: &str) -> Result<Option<Secret>, StoreError> {
        let sealer = self.sealer.read().await;
        let sql = "SELECT value FROM sealed WHERE name = $1";
        let found = records::bytes(&self.pool.read(sql, vec![Box::new(name.to_owned())]).await?)?;
        found.map(|sealed| sealer.open_text(sealed_place(name), &sealed)).transpose()
    }

    async fn put_integrations(
        &self,
        mut integrations: Vec<Integration>,
        events: Vec<Event>,
    ) -> Result<(), StoreError> {
        // In one order, so that two of these do not wait for each other. Of two of one name, the last counts.
        integrations.sort_by(|one, other| one.name.as_str().cmp(other.name.as_str()));
        let sealer = self.sealer.read().await;
        self.write(&sealer, events, move |conn| {
            Box::pin(async move {
                for integration in &integrations {
                    records::put_integration(conn, integration).await?;
                }
                Ok(())
            })
        })
        .await
    }

    async fn integrations(&self) -> Result<Vec<Integration>, StoreError> {
        let sql = "SELECT name, record FROM integration ORDER BY name";
        records::all("integration", &self.pool.read(sql, Vec::new()).await?)
    }

    async fn integration(&self, name: &IntegrationName) -> Result<Option<Integration>, StoreError> {
        let sql = "SELECT name, record FROM integration WHERE name = $1";
        records::one("integration", &self.pool.read(sql, vec![Box::new(name.to_string())]).await?)
    }

    async fn keys(&self, integration: Option<&IntegrationName>) -> Result<Vec<Key>, StoreError> {
        let name = integration.map(ToString::to_string);
        let sql = "SELECT id, record FROM key WHERE $1::text IS NULL OR integration = $1
            ORDER BY created_at, id";
        records::all("key", &self.pool.read(sql, vec![Box::new(name)]).await?)
    }

    async fn living_keys(&self) -> Result<Vec<Key>, StoreError> {
        let sql = "SELECT id, record FROM key WHERE state <> 'retired' ORDER BY created_at, id";
        records::all("key", &self.pool.read(sql, Vec::new()).await?)
    }

    async fn key(&self, id: KeyId) -> Result<Option<Key>, StoreError> {
        let sql = "SELECT id, record FROM key WHERE id = $1";
        records::one("key", &self.pool.read(sql, vec![Box::new(id.to_string())]).await?)
    }

    async fn key_with_fingerprint(&self, fingerprint: &Fingerprint) -> Result<Option<Key>, StoreError> {
        // The newest, if several have this text.
        let sql =
            "SELECT id, record FROM key WHERE fingerprint = $1 ORDER BY created_at DESC, id DESC LIMIT 1";
        records::one("key", &self.pool.read(sql, vec![Box::new(fingerprint.to_string())]).await?)
    }

    async fn note_use(&self, used: Vec<(KeyId, Timestamp)>) -> Result<(), StoreError> {
        let sealer = self.sealer.read().await;
        self.write(&sealer, Vec::new(), move |conn| Box::pin(records::note_use(conn, used))).await
    }

    async fn redate_key(&self, id: KeyId, made_at: Timestamp, events: Vec<Event>) -> Result<(), StoreError> {
        let sealer = self.sealer.read().await;
        self.write(&sealer, events, move |conn| Box::pin(records::redate_key(conn, id, made_at))).await
    }

    async fn key_secret(&self, id: KeyId) -> Result<Option<Secret>, StoreError> {
        let sealer = self.sealer.read().await;
        let row = id.to_string();
        let sql = "SELECT secret FROM key WHERE id = $1";
        let found = records::bytes(&self.pool.read(sql, vec![Box::new(row.clone())]).await?)?;
        found.map(|sealed| sealer.open_text(secret_place(&row), &sealed)).transpose()
    }

    async fn start_rotation(&self, new: NewRotation, events: Vec<Event>) -> Result<StartOutcome, StoreError> {
        let NewRotation { rotation, integration, supersede, holder, lease_for, adopt } = new;
        let held_by = HeldBy::new(&holder, rotation.started_at, lease_for)?;
        let sealer = self.sealer.read().await;
        let adopt = adopt
            .map(|adopted| {
                let (key, secret) = *adopted;
                let sealed = sealer.seal_text(secret_place(&key.id.to_string()), &secret)?;
                Ok::<_, StoreError>((key, sealed))
            })
            .transpose()?;
        let start = Start { rotation, integration, supersede, held_by, adopt };
        let began = |outcome: &StartOutcome| matches!(outcome, StartOutcome::Started(_));
        let events = prepare(events)?;
        self.write_if(&sealer, events, began, move |conn| {
            Box::pin(async move { rotations::start(conn, &start).await })
        })
        .await
    }

    async fn rotation(&self, id: RotationId) -> Result<Option<Rotation>, StoreError> {
        let rows = self.pool.read(rotations::ONE, vec![Box::new(id.to_string())]).await?;
        Ok(rotations::all(&rows)?.into_iter().next())
    }

    async fn open_rotations(&self) -> Result<Vec<Rotation>, StoreError> {
        rotations::all(&self.pool.read(rotations::OPEN, Vec::new()).await?)
    }

    async fn rotations_of(
        &self,
        integration: &IntegrationName,
        limit: u32,
    ) -> Result<Vec<Rotation>, StoreError> {
        let params: Params = vec![Box::new(integration.to_string()), Box::new(i64::from(limit))];
        rotations::all(&self.pool.read(rotations::OF_INTEGRATION, params).await?)
    }

    async fn previous(&self, rotation: RotationId, step: u32) -> Result<Option<Secret>, StoreError> {
        let sealer = self.sealer.read().await;
        let sql = "SELECT previous FROM rotation_step WHERE rotation = $1 AND number = $2";
        let params: Params = vec![Box::new(rotation.to_string()), Box::new(i64::from(step))];
        let found = records::bytes(&self.pool.read(sql, params).await?)?;
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
        let by = HeldBy::new(holder, now, lease_for)?;
        let sealer = self.sealer.read().await;
        self.write(&sealer, Vec::new(), move |conn| {
            Box::pin(async move { lease::take(conn, rotation, &by, now, over).await })
        })
        .await
    }

    async fn renew_lease(&self, fence: &Fence, now: Timestamp, lease_for: Period) -> Result<(), StoreError> {
        let (fence, until) = (*fence, until(now, lease_for)?);
        let sealer = self.sealer.read().await;
        self.write(&sealer, Vec::new(), move |conn| {
            Box::pin(async move { lease::renew(conn, &fence, until).await })
        })
        .await
    }

    async fn release_lease(&self, fence: &Fence) -> Result<(), StoreError> {
        let fence = *fence;
        let sealer = self.sealer.read().await;
        self.write(&sealer, Vec::new(), move |conn| {
            Box::pin(async move { lease::release(conn, &fence).await })
        })
        .await
    }

    async fn commit(
        &self,
        fence: &Fence,
        changes: Vec<Change>,
        events: Vec<Event>,
    ) -> Result<(), StoreError> {
        let fence = *fence;
        let sealer = self.sealer.read().await;
        let changes = changes
            .into_iter()
            .map(|change| seal(&sealer, fence.rotation, change))
            .collect::<Result<Vec<_>, _>>()?;
        self.write(&sealer, events, move |conn| {
            Box::pin(async move { rotations::commit(conn, &fence, changes).await })
        })
        .await
    }

    async fn put_memo(
        &self,
        name: &str,
        memo: Option<&serde_json::Value>,
        events: Vec<Event>,
    ) -> Result<(), StoreError> {
        let (name, memo) = (name.to_owned(), memo.map(ToString::to_string));
        let sealer = self.sealer.read().await;
        self.write(&sealer, events, move |conn| {
            Box::pin(async move { records::put_memo(conn, &name, memo.as_deref()).await })
        })
        .await
    }

    async fn memos(&self, prefix: &str) -> Result<Vec<(String, serde_json::Value)>, StoreError> {
        let sql = "SELECT name, memo FROM memo WHERE starts_with(name, $1) ORDER BY name";
        records::memos(&self.pool.read(sql, vec![Box::new(prefix.to_owned())]).await?)
    }

    async fn lead(&self, role: &str, _holder: &LeaseHolder) -> Result<Box<dyn Leadership>, StoreError> {
        leadership::lead(&self.pool, role).await
    }

    async fn changes(&self) -> Result<Box<dyn Changes>, StoreError> {
        changes::listen(&self.pool).await
    }

    async fn record(&self, events: Vec<Event>) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        let sealer = self.sealer.read().await;
        self.write(&sealer, events, |_conn| Box::pin(async { Ok(()) })).await
    }

    async fn flush_log(&self) -> Result<(), StoreError> {
        self.relay.flush().await
    }
}

fn seal_named(sealer: &Sealer, name: &str, value: Option<&Secret>) -> Result<Option<Sealed>, StoreError> {
    value.map(|value| sealer.seal_text(sealed_place(name), value)).transpose()
}
