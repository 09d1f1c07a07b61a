using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Mock;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.MockCrm;
using LeadPipeline.Worker.Storage.Sql;
using LeadPipeline.Worker.Tests.Storage;
using Microsoft.EntityFrameworkCore;

namespace LeadPipeline.Worker.Tests.CrashPoints;

/// <summary>A way through the pipeline whose every await is a place to end at.</summary>
/// <param name="Name">For people.</param>
/// <param name="Status">Where its lead ends.</param>
/// <param name="Faults">What the CRM does wrong, as of <see cref="MockFaults"/>.</param>
/// <param name="Post">Makes the lead of a person whose address is given.</param>
/// <param name="Copy">Whether a second post of it comes, under another id.</param>
/// <param name="IsRemote">Whether the analyzer is asked over a network.</param>
/// <param name="IsHandedOver">Whether it goes from stage to stage within the process, instead of through the queues.</param>
/// <param name="IsSavedMeanwhile">Whether what is held of it is saved while its plan reads the CRM, instead of going with the plan's beginning.</param>
public sealed record CrashPath(
    string Name, LeadStatus Status, string Faults, Func<string, JsonObject> Post, bool Copy = false, bool IsRemote = false, bool IsHandedOver = false, bool IsSavedMeanwhile = false)
{
    public static IReadOnlyList<CrashPath> All { get; } =
    [
        new("routed", LeadStatus.Completed, "", Hot),
        new("routed within the process", LeadStatus.Completed, "", Hot, IsHandedOver: true),
        new("routed within the process, slowly", LeadStatus.Completed, "", Hot, IsHandedOver: true, IsSavedMeanwhile: true),
        new("routed by a remote model", LeadStatus.Completed, "", Hot, IsRemote: true),
        new("routed by a remote model within the process", LeadStatus.Completed, "", Hot, IsRemote: true, IsHandedOver: true),
        new("nurtured", LeadStatus.Completed, "", Warm),
        new("rejected", LeadStatus.Rejected, "", Lying),
        new("posted twice", LeadStatus.Completed, "", Warm, Copy: true),
        new("posted twice and handed over within the process", LeadStatus.Completed, "", Warm, Copy: true, IsHandedOver: true),
        new("undone", LeadStatus.Compensated, "create_task=permanent@*", Hot),
        new("undone within the process", LeadStatus.Compensated, "create_task=permanent@*", Hot, IsHandedOver: true),
        new("put off by a limit", LeadStatus.Completed, "upsert_lead=rate_limited@1", Warm, IsHandedOver: true),
        new("answered by nobody", LeadStatus.Completed, "log_activity=timeout@1", Warm),
        new("done and not told", LeadStatus.Completed, "create_follow_up=drop_after_accept@1", Warm),
    ];

    public override string ToString() => Name;

    /// <summary>A lead that is to be routed.</summary>
    public static JsonObject Hot(string email) => Of(email, 3000, new JsonObject { ["emailOpens"] = 14, ["emailClicks"] = 6, ["pageViews"] = 22, ["pricingPageViews"] = 4, ["webinarsAttended"] = 1 });

    private static JsonObject Warm(string email) => Of(email, 30, new JsonObject { ["emailOpens"] = 6, ["pageViews"] = 12, ["pricingPageViews"] = 2, ["webinarsAttended"] = 1 });

    private static JsonObject Lying(string email)
    {
        var lead = Of(email, 900, null);
        lead["company"] = "Altogether Different Holdings";
        return lead;
    }

    private static JsonObject Of(string email, int employees, JsonObject? marketing)
    {
        var domain = email.Split('@')[1];
        return new JsonObject
        {
            ["email"] = email,
            ["externalId"] = email,
            ["firstName"] = "Ada",
            ["lastName"] = "Lovelace",
            ["company"] = domain,
            ["enrichment"] = new JsonObject { ["company"] = domain, ["domain"] = domain, ["industry"] = "Software", ["employees"] = employees, ["geo"] = "Munich, Bavaria, Germany", ["techStack"] = new JsonArray("AWS") },
            ["marketing"] = marketing,
        };
    }
}

/// <summary>
/// Each path through the stages, with the process ended at each of its awaits in turn: before and after everything that it asks of the database, the CRM, the
/// analyzer and the queues, and before the message is acknowledged. A new process gets what was not acknowledged; when the queues are empty, time passes and
/// what is pending is sent again. In the end all has to be as if nobody had died.
/// </summary>
public abstract class CrashMatrix<TDatabase> : StorageFixture<TDatabase>
    where TDatabase : StorageDatabase, new()
{
    /// <summary>More deliveries than any path needs: a lead that goes round for ever is lost, too.</summary>
    private const int Enough = 40;

    [Test]
    public async Task Should_end_as_if_nobody_had_died([ValueSource(typeof(CrashPath), nameof(CrashPath.All))] CrashPath path)
    {
        // Every other path goes from stage to stage within the process, the others through the queues.
        var handOver = path.IsHandedOver ? 8 : 0;
        var whole = await RunAsync(path, handOver, null);
        Assert.That(whole.Status, Is.EqualTo(path.Status), "unharmed");

        var wrong = new List<string>();
        for (var point = 0; point < whole.Places.Count; point++)
        {
            var place = whole.Places[point];
            var ended = await RunAsync(path, handOver, (place, whole.Places.Take(point).Count(p => p == place)));
            wrong.AddRange(ended.Differences(whole).Select(w => $"ended at {point} ({ended.Places[^1]}): {w}"));
        }

        await TestContext.Out.WriteLineAsync($"{path.Name}: {whole.Places.Count} points");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(whole.Places, Has.Count.GreaterThan(path.Status == LeadStatus.Rejected ? 15 : 30), "there is something to end at");
            Assert.That(wrong, Is.Empty);
        }
    }

    private async Task<Ended> RunAsync(CrashPath path, int handOver, (string, int)? endAt)
    {
        var time = new FakeTimeProvider(Now);
        await using var records = new MockCrmStore(Database.Sql, time);
        var crm = new MockCrm(records, MockFaults.Parse(path.Faults), () => TimeSpan.Zero, time);
        var world = new PaperWorld(Database.Sql, crm, Cipher, time, new MadeRecords(), path.IsRemote, handOver) { LongestHeld = path.IsSavedMeanwhile ? TimeSpan.Zero : Timeout.InfiniteTimeSpan };
        var email = $"ada@{Guid.NewGuid():N}.example";
        world.Queue.Enqueue(Submitted(path.Post(email), "first"));
        if (path.Copy)
            world.Queue.Enqueue(Submitted(path.Post(email), "second"));

        var doomed = new DoomedProcess(endAt);
        var worker = new PaperWorker(world, doomed);
        try
        {
            for (var deliveries = 0; ; deliveries++)
            {
                if (deliveries > Enough)
                    return await Ended.ReadAsync(this, email, crm, doomed, world, "goes round without end");
                if (world.Queue.Count == 0 && !await SweepAsync(world, email, time))
                    return await Ended.ReadAsync(this, email, crm, doomed, world, null);
                try
                {
                    await WithTimeAsync(worker.HandleAsync(world.Queue.Peek()), time);
                    _ = world.Queue.Dequeue();
                }
                catch (Exception exception) when (worker.Process.HasEnded)
                {
                    // Whatever the dying code made of it. The next process has the message again.
                    _ = exception;
                    await worker.DisposeAsync();
                    worker = new PaperWorker(world, new DoomedProcess());
                }
            }
        }
        finally
        {
            await worker.DisposeAsync();
        }
    }

    /// <summary>Lets time go on for as long as the handler waits for it.</summary>
    private static async Task WithTimeAsync(Task handling, FakeTimeProvider time)
    {
        while (await Task.WhenAny(handling, time.UntilTimersAreArmedAsync()) != handling)
            time.Advance(TimeSpan.FromSeconds(1));
        await handling;
    }

    private static LeadSubmitted Submitted(JsonObject lead, string key) =>
        new() { Lead = JsonSerializer.SerializeToElement(lead), Door = "api", Trusted = true, IdempotencyKey = $"{key}/{lead["email"]}", AcceptedAt = Now };

    /// <summary>What the sweeper does: the pending command once more, when its time has come. False: nothing is pending.</summary>
    private async Task<bool> SweepAsync(PaperWorld world, string email, FakeTimeProvider time)
    {
        var pending = (await LeadsAsync(email)).Where(l => l.Pending is not null).ToList();
        foreach (var lead in pending)
        {
            var due = lead.DueAt ?? time.GetUtcNow() + TimeSpan.FromMinutes(2);
            if (due > time.GetUtcNow())
                time.Advance(due - time.GetUtcNow());
            world.Queue.Enqueue(new StageCommand(lead.Id, lead.Pending == "analysis" ? LeadStage.Analysis : LeadStage.Execution, lead.Run, lead.Attempt));
        }
        return pending.Count > 0;
    }

    private async Task<List<LeadRow>> LeadsAsync(string email)
    {
        await using var db = Database.Open();
        var key = Cipher.RecordKey(email);
        return await db.Leads.AsNoTracking().Where(l => l.RecordKey == key).ToListAsync();
    }

    /// <summary>What was left when nothing moved any more.</summary>
    private sealed record Ended(IReadOnlyList<string> Places, LeadStatus? Status, string State, string? Fault)
    {
        public static async Task<Ended> ReadAsync(CrashMatrix<TDatabase> matrix, string email, ICrm crm, DoomedProcess process, PaperWorld world, string? fault)
        {
            var leads = await matrix.LeadsAsync(email);
            if (leads is not [var lead])
                return new Ended(process.Places, null, "", $"there are {leads.Count} leads");
            await using var db = matrix.Database.Open();
            var effects = await db.Effects.AsNoTracking().Where(e => e.LeadId == lead.Id).OrderBy(e => e.StepIndex).ToListAsync();
            var audit = await db.AuditEvents.AsNoTracking().Where(a => a.LeadId == lead.Id).OrderBy(a => a.Seq).ToListAsync();
            var aliases = await db.Aliases.AsNoTracking().CountAsync(a => a.LeadId == lead.Id);
            var view = await crm.ReadAsync(new CrmQuery
            {
                Email = email,
                AccountDomain = email.Split('@')[1],
                Effects = [.. effects.SelectMany(e => Enum.GetValues<CrmObject>().SelectMany(o => ((CrmObject, string)[])[(o, e.EffectKey), (o, e.EffectKey + "/undo")]))],
            }, CancellationToken.None);
            fault ??= lead.Pending is not null ? $"it is still pending {lead.Pending}"
                : lead.Owner is not null || await db.Set<PersonInHandRow>().AnyAsync(p => p.LeadId == lead.Id) ? "it is still held"
                : AuditChain.Verify(audit, lead.AuditSeq, lead.AuditHead) is { } broken ? $"its audit chain is broken: {broken}"
                : world.Made.SentAgain.Count > 0 ? $"{string.Join(", ", world.Made.SentAgain)} was sent although it was there"
                : null;
            var state = string.Join('\n',
            [
                $"{lead.Status} {lead.Reason}, {aliases} aliases",
                .. effects.Select(e => $"{e.Step} {Settled(e)}"),
                .. view.Leads.Select(l => "lead " + Text(l)), .. view.Accounts.Select(a => "account " + Text(a)), $"{view.OpenOpportunities.Count} opportunities",
                .. view.Effects.Select(e => e.Key.Split('.')[^1]).Order(StringComparer.Ordinal),
            ]);
            return new Ended(process.Places, Enum.Parse<LeadStatus>(lead.Status), state, fault);
        }

        public IEnumerable<string> Differences(Ended whole)
        {
            if (Fault is not null)
                yield return Fault;
            else if (State.Replace(Own(State), "…", StringComparison.Ordinal) != whole.State.Replace(Own(whole.State), "…", StringComparison.Ordinal))
                yield return $"it ended as\n{State}\ninstead of\n{whole.State}";
        }

        /// <summary>The person's domain, which is another one in each run.</summary>
        private static string Own(string state) => System.Text.RegularExpressions.Regex.Match(state, "[0-9a-f]{32}[.]example") is { Success: true } own ? own.Value : "none";

        /// <summary>
        /// What became of a step. Whether something that is not in the CRM was taken away or never got there is not the same to the ledger of a process that
        /// died and of one that did not: the one that comes after it cannot know whether a step that stands behind a refused one was tried.
        /// </summary>
        private static string Settled(EffectRow effect) => effect.State is "compensated" or "not_needed" ? "is not there" : $"{effect.State} {(effect.RecordId is null ? "no record" : "a record")}";

        /// <summary>Values, ids and times left out.</summary>
        private static string Text(CrmRecord record) => string.Join(", ", record.Fields.Where(f => !f.Key.EndsWith("Id", StringComparison.Ordinal) && !f.Key.EndsWith("At", StringComparison.Ordinal) && !CrmFields.IsLink(f.Key)).OrderBy(f => f.Key, StringComparer.Ordinal).Select(f => $"{f.Key}={f.Value}"));
    }
}
