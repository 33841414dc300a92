//! One provider's node with its data, on the file system of the target directory.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use arrow_array::{Float64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use dataspace_benches::{target_dir, time};
use dataspace_data_plane::Table;
use dataspace_identity::{Did, DidKeys, MembershipCredential, RootSecret, SecretKey};
use dataspace_policy::{Action, ColumnMask, Constraint, Duty, MaskMethod, Rule, Terms};
use dataspace_primitives::{Region, Signed, UnixMillis, Validity, Verified};
use dataspace_runtime::{
    Clock as _, DataSpace, NewOffer, NodeKeys, Setup, SystemClock, generate_key, request_access,
};
use dataspace_usage_contract::{Acceptance, AccessRequest, Agreement, Offer};

/// A day from now on.
pub(crate) fn validity() -> Result<Validity> {
    let now = SystemClock.now();
    let until = now.checked_add(Duration::from_secs(86_400)).context("the year 9999")?;
    Ok(Validity::new(now, until)?)
}

/// Read for research, a column hashed.
pub(crate) fn terms() -> Result<Terms> {
    let rule = Rule::new([Action::Read])
        .when(Constraint::Purpose(["research".parse()?].into()))
        .when(Constraint::Time(validity()?));
    let mask = ColumnMask { column: "furnace".parse()?, method: MaskMethod::Hash };
    Ok(Terms::new().permit(rule).duty(Duty::Mask(mask)))
}

/// A node with a consumer and some contracts of its.
pub(crate) struct Node {
    pub(crate) space: DataSpace,
    pub(crate) consumer: SecretKey,
    pub(crate) contracts: Vec<Verified<Agreement>>,
    authority: Did,
    dir: tempfile::TempDir,
}

impl Node {
    /// Signs and closes it; gives its place, the authority of its space, to open it again, and the
    /// consumer.
    pub(crate) fn close(self) -> Result<(tempfile::TempDir, Did, SecretKey)> {
        self.space.close()?;
        Ok((self.dir, self.authority, self.consumer))
    }
}

/// So many requests under one of the contracts.
pub(crate) fn requests(
    node: &Node,
    contract: usize,
    count: usize,
) -> Result<Vec<Signed<AccessRequest>>> {
    let agreement = node.contracts.get(contract).context("too few contracts")?;
    (0..count)
        .map(|_| {
            let purpose = "research".parse()?;
            Ok(request_access(&node.consumer, agreement, Action::Read, purpose, &SystemClock)?)
        })
        .collect()
}

/// The provider's keys: those of every node here, so that one can be opened again.
pub(crate) fn keys() -> Result<NodeKeys> {
    let key = SecretKey::from_seed(&mut [9; 32])?;
    Ok(NodeKeys::new(key, RootSecret::from_bytes(&mut [10; 32]))?)
}

/// A node in a directory of its own, with so many contracts.
pub(crate) fn node(contracts: usize) -> Result<Node> {
    let dir = tempfile::tempdir_in(target_dir()?)?;
    let (authority, provider, consumer) = (generate_key()?, keys()?, generate_key()?);
    let provider_did = provider.did().clone();
    let sector = dataspace_sectors::materials();
    let mut profile = sector.profile("bench".parse()?, authority.did().clone());
    // As everything is measured: the space itself forbids nothing.
    profile.policies.clear();
    let space = Setup::new(dir.path().join("node"), provider, authority.did().clone())
        .create(Signed::sign(&profile, &authority)?)?;
    for (did, role) in [(&provider_did, "provider"), (consumer.did(), "consumer")] {
        let credential = MembershipCredential {
            space: profile.space_id(),
            subject: did.clone(),
            name: role.parse()?,
            serial: 1,
            issued_at: SystemClock.now(),
            roles: [role.parse()?].into(),
            attributes: [].into(),
            region: Region::parse("DE")?,
            validity: validity()?,
        };
        space.admit(Signed::sign(&credential, &authority)?)?;
    }
    space.register("alloys".parse()?, "test-results".parse()?, table()?)?;
    let contracts = (0..contracts).map(|_| agree(&space, &consumer)).collect::<Result<_>>()?;
    let authority = authority.did().clone();
    Ok(Node { space, consumer, contracts, authority, dir })
}

/// A contract of its own with the consumer.
pub(crate) fn agree(space: &DataSpace, consumer: &SecretKey) -> Result<Verified<Agreement>> {
    let (offer, acceptance) = accepted(space, consumer)?;
    Ok(space.conclude(offer, acceptance)?)
}

/// An offer and its acceptance.
pub(crate) fn accepted(
    space: &DataSpace,
    consumer: &SecretKey,
) -> Result<(Signed<Offer>, Signed<Acceptance>)> {
    // Of two offers of the same millisecond each is another one: an offer is accepted once.
    static OFFERS: AtomicU64 = AtomicU64::new(0);
    let number = OFFERS.fetch_add(1, Ordering::Relaxed);
    let day = validity()?;
    let expires_at: UnixMillis =
        day.until().checked_add(Duration::from_millis(number)).context("the year 9999")?;
    let validity = Validity::new(day.from(), expires_at)?;
    let product = "alloys".parse()?;
    let offer = NewOffer { product, consumer: None, terms: terms()?, validity, expires_at };
    let offer = space.offer(offer)?;
    let now = SystemClock.now();
    let verified = Offer::verify(offer.clone(), space.provider(), &DidKeys, now)?;
    let acceptance = Acceptance::sign(&verified, consumer, now)?;
    Ok((offer, acceptance))
}

/// The product.
pub(crate) fn table() -> Result<Table> {
    let schema = Schema::new(vec![
        Field::new("furnace", DataType::Utf8, false),
        Field::new("strength_mpa", DataType::Float64, false),
    ]);
    let furnaces = StringArray::from_iter_values(["F1", "F2", "F3", "F4"]);
    let strengths = Float64Array::from(vec![235.0, 275.0, 355.0, 460.0]);
    let batch = RecordBatch::try_new(
        Arc::new(schema.clone()),
        vec![Arc::new(furnaces), Arc::new(strengths)],
    )?;
    Ok(Table::from_batches(&schema, vec![batch])?)
}

/// Wall time of `work` on all that is in `each`, by one thread for each of them. They begin together.
pub(crate) fn together<T: Send>(
    each: Vec<Vec<T>>,
    work: impl Fn(T) -> bool + Sync,
) -> Result<Duration> {
    let barrier = Barrier::new(each.len() + 1);
    let (took, all) = thread::scope(|scope| {
        let (barrier, work) = (&barrier, &work);
        let threads: Vec<_> = each
            .into_iter()
            .map(|calls| {
                scope.spawn(move || {
                    barrier.wait();
                    calls.into_iter().all(work)
                })
            })
            .collect();
        barrier.wait();
        time(|| threads.into_iter().fold(true, |all, one| all & one.join().unwrap_or(false)))
    });
    ensure!(all, "a call was refused");
    Ok(took)
}
