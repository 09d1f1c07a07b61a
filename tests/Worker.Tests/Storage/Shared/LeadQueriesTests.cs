using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using LeadPipeline.Contracts;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.Privacy;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;
using Microsoft.EntityFrameworkCore;

namespace LeadPipeline.Worker.Tests.Storage;

/// <summary>What is read of leads for people: many at once, as <c>process</c> tells of them, and one by one.</summary>
public abstract class LeadQueriesTests<TDatabase> : StorageFixture<TDatabase>
    where TDatabase : StorageDatabase, new()
{
    private static readonly GroundedClaim[] Claims =
    [
        new() { FieldPath = "enrichment.employees", Verdict = ClaimVerdict.SUPPORTED, Rule = "G4", Claimed = JsonElement.Parse("40"), Truth = JsonElement.Parse("40"), Comparator = "number" },
        new() { FieldPath = "lead.message", Verdict = ClaimVerdict.UNTRUSTED_ONLY, Rule = "G6", Claimed = JsonElement.Parse("\"a budget\""), Truth = JsonElement.Parse("\"We have a budget\""), Comparator = "text", Central = true },
        new() { FieldPath = "person.mood", Verdict = ClaimVerdict.NOT_FOUND, Rule = "G3", Claimed = JsonElement.Parse("""{"budget":[1,null]}"""), Source = "LEAD", ClaimType = "BEHAVIOR" },
    ];

    private static readonly Lowered Decision = new("decision", "ROUTE_TO_SDR", "NURTURE", "G12");

    protected LeadStore Store { get; private set; } = null!;
    protected LeadQueries Queries { get; private set; } = null!;

    [SetUp]
    public void Start()
    {
        Store = new LeadStore(Database.Sql, new LeadCommitter(Database.Sql), Cipher, new NoSink(), new FakeTimeProvider(Now));
        Queries = QueriesOf(Database);
    }

    [TearDown]
    public async Task Stop() => await Store.DisposeAsync();

    [Test]
    public async Task Should_tell_the_same_of_many_leads_at_once_as_of_each_alone()
    {
        Guid[] leads = [await PlannedAsync(), await NewAsync(), await PlannedAsync()];

        var outcomes = await Queries.OutcomesAsync(leads, whole: true, CancellationToken.None);

        Assert.That(outcomes.Select(o => o.LeadId), Is.EqualTo(leads), "in the order in which they were asked for");
        foreach (var outcome in outcomes)
        {
            var alone = await Queries.FindAsync(outcome.LeadId, full: true, CancellationToken.None);
            alone!.Remove("timeline");
            Assert.That(JsonNode.Parse(outcome.Whole)!.ToJsonString(), Is.EqualTo(alone.ToJsonString()));
        }
    }

    [Test]
    public async Task Should_tell_what_a_run_found_planned_and_did()
    {
        var lead = JsonNode.Parse((await Queries.OutcomesAsync([await PlannedAsync()], whole: true, CancellationToken.None)).Single().Whole)!;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(lead["decision"]!.ToString(), Is.EqualTo("NURTURE"));
            Assert.That(lead["fitScore"]!.GetValue<int>(), Is.EqualTo(61));
            Assert.That(lead["lead"]!["firstName"]!.ToString(), Is.EqualTo("Ada"));
            Assert.That(lead["plan"]!.AsArray().Select(s => s!["id"]!.ToString()), Is.EqualTo(new[] { "lead", "task" }));
            Assert.That(lead["effects"]!.ToJsonString(), Is.EqualTo(
                """[{"step":"lead","tool":"upsert_lead","state":"confirmed","recordId":"R1","error":null},{"step":"task","tool":"create_task","state":"planned","recordId":null,"error":null}]"""));
            Assert.That(lead["warnings"]!.ToJsonString(), Is.EqualTo("""["thin","lead: was there already"]"""));
            Assert.That(lead["claims"]![0]!["claimed"]!.GetValue<int>(), Is.EqualTo(40));
            Assert.That(lead["claims"]![0]!["explanation"]!.ToString(), Is.Not.Empty);
            Assert.That(lead["lowered"]![0]!["to"]!.ToString(), Is.EqualTo("NURTURE"));
        }
    }

    [Test]
    public async Task Should_tell_all_of_a_claim_and_of_what_was_lowered_with_what_it_means()
    {
        var lead = (await Queries.FindAsync(await PlannedAsync(), full: true, CancellationToken.None))!;

        var told = lead["claims"]!.AsArray().Append(lead["lowered"]![0]).Select(t => t!.DeepClone().AsObject()).ToList();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(told.Select(t => t.Remove("explanation")), Is.All.True);
            Assert.That(told.Select(t => t.ToJsonString()), Is.EqualTo(
                Claims.Select(c => JsonSerializer.Serialize(c, ContractsJson.Default.GroundedClaim)).Append(JsonSerializer.Serialize(Decision, ContractsJson.Default.Lowered))));
            Assert.That(lead["plan"]!.AsArray().Select(s => s!["compensation"]!.ToString()), Is.EqualTo(new[] { "withdraw", "cancel" }));
        }
    }

    [Test]
    public async Task Should_mask_what_claims_repeat_of_the_persons_words_and_nothing_else()
    {
        var lead = (await Queries.FindAsync(await PlannedAsync(), full: false, CancellationToken.None))!;

        Assert.That(lead["claims"]!.AsArray().Select(c => (c!["claimed"]?.ToJsonString(), c["truth"]?.ToJsonString())), Is.EqualTo(new (string?, string?)[]
        {
            ("40", "40"), ("\"***\"", "\"***\""), ("\"***\"", null),
        }));
        Assert.That(lead["claims"]!.ToJsonString(), Does.Not.Contain("budget").IgnoreCase);
    }

    [Test]
    public async Task Should_leave_out_what_is_no_lead()
    {
        var (first, copy, unknown) = (await NewAsync(), Guid.NewGuid(), Guid.NewGuid());
        await Store.AliasAsync(new LeadAliasRow { AliasId = copy, LeadId = first, At = Now }, CancellationToken.None);

        var outcomes = await Queries.OutcomesAsync([unknown, copy, first], whole: false, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes, Is.EqualTo(new[] { new LeadOutcome(first, LeadStatus.Received, null, null) }));
            Assert.That(await Queries.OpenAsync([unknown, copy, first], CancellationToken.None), Is.EqualTo(new[] { unknown, first }), "a copy is done once it is known as one");
        }
    }

    /// <summary>No hash covers the time that their key begins with, and the database lets anybody add rows.</summary>
    [TestCase("seq + 1", "seq = 1", "1 events are not where the lead's are", Description = "one event more")]
    [TestCase("seq", "true", "2 events are not where the lead's are", Description = "the whole chain once more")]
    public async Task Should_notice_events_that_are_kept_elsewhere_than_their_leads(string seq, string which, string problem)
    {
        var added = problem[0] - '0';
        await using var database = new TDatabase();
        var (lead, others) = await ChainsAsync(database, 1);
        await AddEventsAsync(database, lead, seq, which, Now.AddDays(2));

        var all = await QueriesOf(database).VerifyAuditAsync(null, CancellationToken.None);
        var one = await QueriesOf(database).VerifyAuditAsync(lead, CancellationToken.None);
        var other = await QueriesOf(database).VerifyAuditAsync(others[0], CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(all.Problems, Is.EqualTo(new[] { (lead, problem) }));
            Assert.That((all.Leads, all.Events), Is.EqualTo((2, 4L + added)));
            Assert.That(one.Problems, Is.EqualTo(new[] { (lead, problem) }));
            Assert.That((one.Leads, one.Events), Is.EqualTo((1, 2L + added)));
            Assert.That((other.Leads, other.Events, other.Problems.Count), Is.EqualTo((1, 2L, 0)));
        }
    }

    [Test]
    public async Task Should_check_more_chains_than_are_read_at_once_though_all_began_in_the_same_moment()
    {
        await using var database = new TDatabase();
        var (lead, others) = await ChainsAsync(database, 600);
        var gone = Guid.NewGuid();
        await AddEventsAsync(database, lead, "seq", "true", Now, of: gone);

        var (leads, events, problems) = await QueriesOf(database).VerifyAuditAsync(null, CancellationToken.None);
        var exported = new List<Guid>();
        await foreach (var audit in QueriesOf(database).AuditsAsync(CancellationToken.None))
            exported.Add(audit.LeadId);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((leads, events), Is.EqualTo((602, 1204L)));
            Assert.That(problems, Is.EqualTo(new[] { (gone, "event 1 was altered") }), "it is of a lead that there is not, and of another's making");
            Assert.That(exported.Chunk(2).Select(pair => (pair[0], pair[1])), Is.EquivalentTo(others.Append(lead).Append(gone).Select(id => (id, id))), "chain by chain");
        }
    }

    /// <summary>A database of its own with some leads of two events each, all of one moment.</summary>
    private async Task<(Guid First, Guid[] Others)> ChainsAsync(TDatabase database, int others)
    {
        await database.CreateAsync();
        await Migrator.MigrateAsync(database.Sql, CancellationToken.None);
        await using var its = new LeadStore(database.Sql, new LeadCommitter(database.Sql), Cipher, new NoSink(), new FakeTimeProvider(Now));
        var leads = await Task.WhenAll(Enumerable.Range(0, others + 1).Select(async _ =>
            (await its.AddAsync(ALead(), [new AuditFact("intake", "received", []), new AuditFact("intake", "noted", [])], [])).Work!.Saga.LeadId));
        return (leads[0], leads[1..]);
    }

    private static async Task AddEventsAsync(TDatabase database, Guid like, string seq, string which, DateTimeOffset at, Guid? of = null)
    {
        await using var session = await database.Sql.OpenAsync(CancellationToken.None);
        _ = await session.ExecuteAsync(
            $"""
            INSERT INTO audit_events (received_at, lead_id, seq, id, run, epoch, at, actor, stage, kind, payload, prev_hash, hash)
                SELECT @at, @of, {seq}, id, run, epoch, at, actor, stage, kind, payload, prev_hash, hash FROM audit_events WHERE lead_id = @lead AND {which}
            """, CancellationToken.None, ("at", at), ("of", of ?? like), ("lead", like));
    }

    private LeadQueries QueriesOf(TDatabase database) => new(new Contexts(database.Open), database.Sql, Cipher, new LeadViews(Cipher, new Redactor(new PrivacyOptions(), [1])));

    private async Task<Guid> NewAsync() => (await Store.AddAsync(ALead(), [new AuditFact("intake", "received", [])], [])).Work!.Saga.LeadId;

    /// <summary>A lead that was judged and has a plan whose first step is done.</summary>
    protected async Task<Guid> PlannedAsync()
    {
        var (work, _) = await Store.AddAsync(ALead(), [new AuditFact("intake", "received", [])], []);
        var id = work!.Saga.LeadId;
        var grounding = new GroundingResult
        {
            Status = GroundingStatus.DOWNGRADED,
            Claims = Claims,
            Lowered = [Decision],
            Errors = [],
            Warnings = ["thin"],
            Model = new ModelOpinion("HIGH_FIT", "ROUTE_TO_SDR", null),
            RulesVersion = "1",
            VerdictHash = "hash",
        };
        PlanStep[] steps = [Step(0, "lead", "upsert_lead", Compensation.Withdraw), Step(1, "task", "create_task", Compensation.Cancel)];
        var plan = new ActionPlan { Status = PlanStatus.Planned, Policy = new PolicyIdentity("test", "hash"), PlanHash = "hash", Steps = steps };
        var run = new LeadRunRow
        {
            LeadId = id,
            Run = 1,
            StartedAt = Now,
            Analyzer = "test/1",
            SnapshotHash = "hash",
            Snapshot = [1],
            GroundingStatus = "DOWNGRADED",
            Intent = "MEDIUM_FIT",
            Decision = "NURTURE",
            FitScore = 61,
            ModelCall = """{"model":"m","questionHash":"h","answers":0}""",
            Grounding = SealedJson.Seal(work.Key, grounding, id, ContractsJson.Default.GroundingResult),
            Plan = SealedJson.Seal(work.Key, plan, id, ContractsJson.Default.ActionPlan),
        };
        var done = new EffectRow
        {
            EffectKey = Guid.NewGuid().ToString("N"),
            LeadId = id,
            Run = 1,
            StepIndex = 0,
            Step = "lead",
            Tool = "upsert_lead",
            State = "confirmed",
            Object = "Lead",
            RecordId = "R1",
            Sealed = SealedJson.Seal(work.Key, new JsonObject { ["Warning"] = "was there already" }, id, (JsonTypeInfo<JsonObject>)JsonSerializerOptions.Default.GetTypeInfo(typeof(JsonObject))),
            UpdatedAt = Now,
        };
        _ = await Store.ApplyAsync(work, new SagaMessage.AnalysisEnded(1, LeadStatus.Analyzed, null), [], c => c with { Run = run, NewEffects = [done] });
        return id;
    }

    private static PlanStep Step(int index, string id, string tool, Compensation compensation) =>
        new() { Index = index, Id = id, Tool = tool, Critical = true, Compensation = compensation, When = ["always"], Arguments = [] };

    private sealed class Contexts(Func<LeadDb> open) : IDbContextFactory<LeadDb>
    {
        public LeadDb CreateDbContext() => open();
    }
}
