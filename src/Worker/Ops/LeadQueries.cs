using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.Evidence;
using LeadPipeline.Worker.Execution;
using LeadPipeline.Worker.Grounding;
using LeadPipeline.Worker.Privacy;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.Sql;
using Microsoft.EntityFrameworkCore;

namespace LeadPipeline.Worker.Ops;

/// <summary>Which leads of all; what is null lets all through.</summary>
public sealed record LeadFilter
{
    /// <summary>Only those that stand here.</summary>
    public LeadStatus? Status { get; init; }
    /// <summary>Only those from this source.</summary>
    public string? Source { get; init; }
    /// <summary>Only those received since then.</summary>
    public DateTimeOffset? Since { get; init; }
    /// <summary>Only those of one person, by <see cref="LeadQueries.PersonKey"/>.</summary>
    public string? PersonKey { get; init; }
}

/// <summary>What became of a lead.</summary>
/// <param name="LeadId">The lead.</param>
/// <param name="Status">Where it stands.</param>
/// <param name="Decision">What was decided; null before that.</param>
/// <param name="Whole">All that <c>process --json</c> tells of it, as a JSON object in UTF-8; null where only the outcome was asked for.</param>
public sealed record LeadOutcome(Guid LeadId, LeadStatus Status, string? Decision, byte[]? Whole);

/// <summary>Reads leads for people: lists, one lead with everything known of it, its audit. Not on the hot path.</summary>
public sealed class LeadQueries(IDbContextFactory<LeadDb> contexts, SqlDatabase database, LeadCipher cipher, LeadViews views)
{
    /// <summary>A page of leads, newest first.</summary>
    /// <param name="status">Only these, if given.</param>
    /// <param name="source">Only from this source, if given.</param>
    /// <param name="since">Only received since then, if given.</param>
    /// <param name="limit">At most so many, 1–200.</param>
    /// <param name="cursor">Where the page before ended.</param>
    /// <param name="full">Whether personal fields are shown in full.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    /// <exception cref="FormatException">The cursor is none of ours.</exception>
    public Task<(IReadOnlyList<JsonObject> Items, string? Next)> ListAsync(
        LeadStatus? status, string? source, DateTimeOffset? since, int limit, string? cursor, bool full, CancellationToken cancellationToken) =>
        ListAsync(new LeadFilter { Status = status, Source = source, Since = since }, limit, cursor, full, cancellationToken);

    /// <summary>The key under which all leads of a person are known; nobody can tell the address from it.</summary>
    public string PersonKey(string email) => cipher.RecordKey(email);

    /// <summary>A page of leads, newest first.</summary>
    /// <param name="filter">Which.</param>
    /// <param name="limit">At most so many, 1–200.</param>
    /// <param name="cursor">Where the page before ended.</param>
    /// <param name="full">Whether personal fields are shown in full.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    /// <exception cref="FormatException">The cursor is none of ours.</exception>
    public async Task<(IReadOnlyList<JsonObject> Items, string? Next)> ListAsync(LeadFilter filter, int limit, string? cursor, bool full, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var query = db.Leads.AsNoTracking();
        if (filter.Status is { } wanted)
        {
            var name = wanted.ToString();
            query = query.Where(l => l.Status == name);
        }
        if (filter.Source is { } source)
            query = query.Where(l => l.Source == source);
        if (filter.PersonKey is { } person)
            query = query.Where(l => l.RecordKey == person);
        if (filter.Since is { } from)
            query = query.Where(l => l.ReceivedAt >= from.ToUniversalTime());
        if (cursor is not null)
        {
            var (at, id) = Cursor.Read(cursor);
            query = query.Where(l => l.ReceivedAt < at || (l.ReceivedAt == at && l.Id.CompareTo(id) < 0));
        }
        var rows = await query.OrderByDescending(l => l.ReceivedAt).ThenByDescending(l => l.Id).Take(limit + 1).ToListAsync(cancellationToken);
        var more = rows.Count > limit;
        if (more)
            rows.RemoveAt(limit);
        var ids = rows.ConvertAll(r => r.Id);
        var runs = (await db.Runs.AsNoTracking().Where(r => ids.Contains(r.LeadId))
            .Select(r => new LeadRunRow { LeadId = r.LeadId, Run = r.Run, Analyzer = r.Analyzer, SnapshotHash = r.SnapshotHash, Snapshot = new byte[0], GroundingStatus = r.GroundingStatus, Intent = r.Intent, Decision = r.Decision, FitScore = r.FitScore }).ToListAsync(cancellationToken)).ToLookup(r => r.LeadId);
        var items = rows.ConvertAll(row =>
        {
            var run = runs[row.Id].FirstOrDefault(r => r.Run == row.Run);
            return views.Head(row, run, full);
        });
        return (items, more ? Cursor.Write(rows[^1].ReceivedAt, rows[^1].Id) : null);
    }

    /// <summary>Everything known of a lead; an alias answers the first lead. Null when there is none.</summary>
    public async Task<JsonObject?> FindAsync(Guid id, bool full, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var (row, alias) = await RowAsync(db, id, cancellationToken);
        if (row is null)
            return null;
        var run = await db.Runs.AsNoTracking().FirstOrDefaultAsync(r => r.LeadId == row.Id && r.Run == row.Run, cancellationToken);
        var effects = await db.Effects.AsNoTracking().Where(e => e.ReceivedAt == row.ReceivedAt && e.LeadId == row.Id && e.Run == row.Run).OrderBy(e => e.StepIndex).ToListAsync(cancellationToken);
        var timeline = await db.AuditEvents.AsNoTracking().Where(a => a.ReceivedAt == row.ReceivedAt && a.LeadId == row.Id).OrderBy(a => a.Seq).Select(a => new { a.At, a.Stage, a.Kind }).ToListAsync(cancellationToken);
        var view = views.Whole(row, run, effects, full);
        view["timeline"] = new JsonArray([.. timeline.Select(t => (JsonNode)new JsonObject { ["at"] = LeadViews.Iso(t.At), ["stage"] = t.Stage, ["kind"] = t.Kind })]);
        if (alias)
            view["aliasOf"] = row.Id.ToString();
        return view;
    }

    /// <summary>Where these leads stand, in the order of the ids; ids that are none, or another's, are left out.</summary>
    /// <param name="ids">The leads.</param>
    /// <param name="whole">Whether each is told of as <c>process --json</c> does, with its personal fields; else only what became of it.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    public async Task<IReadOnlyList<LeadOutcome>> OutcomesAsync(IReadOnlyCollection<Guid> ids, bool whole, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        var outcomes = whole
            ? (await LeadRows.ReadAsync(session, ids, cancellationToken)).Select(Whole)
            : await session.QueryAsync(
                "SELECT id, status, decision FROM leads LEFT JOIN lead_runs ON lead_id = id AND lead_runs.run = leads.run WHERE {in:id}",
                r => new LeadOutcome(r.GetGuid(0), Enum.Parse<LeadStatus>(r.GetString(1)), LeadRows.Text(r, 2), null), cancellationToken, ("id", ids.ToArray()));
        var byLead = outcomes.ToDictionary(o => o.LeadId);
        return [.. ids.Where(byLead.ContainsKey).Select(i => byLead[i])];

        LeadOutcome Whole((LeadRow Lead, LeadRunRow? Run, List<EffectRow> Effects) of) =>
            new(of.Lead.Id, Enum.Parse<LeadStatus>(of.Lead.Status), of.Run?.Decision, views.Write(of.Lead, of.Run, of.Effects, full: true));
    }

    /// <summary>Those of these leads that still have something outstanding, or are not stored yet.</summary>
    public async Task<List<Guid>> OpenAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        var open = new List<Guid>();
        foreach (var part in ids.Chunk(1000))
        {
            var done = await session.QueryAsync("SELECT id FROM leads WHERE {in:id} AND pending IS NULL", r => r.GetGuid(0), cancellationToken, ("id", part));
            var aliases = done.Count == part.Length ? [] : await session.QueryAsync("SELECT alias_id FROM lead_aliases WHERE {in:alias_id}", r => r.GetGuid(0), cancellationToken, ("alias_id", part));
            open.AddRange(part.Except(done).Except(aliases));
        }
        return open;
    }

    /// <summary>The audit events of a lead, in order; null when there is no such lead.</summary>
    public async Task<IReadOnlyList<AuditEvent>?> AuditAsync(Guid id, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var (row, _) = await RowAsync(db, id, cancellationToken);
        if (row is null)
            return null;
        var key = row.DataKey is null ? null : cipher.Unwrap(row.DataKey, row.Id);
        var rows = await db.AuditEvents.AsNoTracking().Where(a => a.ReceivedAt == row.ReceivedAt && a.LeadId == row.Id).OrderBy(a => a.Seq).ToListAsync(cancellationToken);
        return rows.ConvertAll(a => AuditReader.Event(a, key));
    }

    /// <summary>The audit events of all leads, lead by lead, each chain in order; also of those that are gone or erased.</summary>
    public async IAsyncEnumerable<AuditEvent> AuditsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        foreach (var part in await ChainsAsync(db.AuditEvents.Select(a => new Chain { ReceivedAt = a.ReceivedAt, LeadId = a.LeadId }).Distinct(), cancellationToken))
        {
            var ids = part.Select(c => c.LeadId).ToList();
            var keys = await db.Leads.AsNoTracking().Where(l => ids.Contains(l.Id) && l.DataKey != null).ToDictionaryAsync(l => l.Id, l => l.DataKey!, cancellationToken);
            var rows = await EventsAsync(db, part, cancellationToken);
            foreach (var chain in part)
            {
                var key = keys.TryGetValue(chain.LeadId, out var wrapped) ? cipher.Unwrap(wrapped, chain.LeadId) : null;
                foreach (var row in rows[chain].OrderBy(a => a.Seq))
                    yield return AuditReader.Event(row, key);
            }
        }
    }

    /// <summary>Checks audit chains: one lead's, or all. Answers how many leads and events were checked and what is wrong.</summary>
    public async Task<(int Leads, long Events, IReadOnlyList<(Guid LeadId, string Problem)> Problems)> VerifyAuditAsync(Guid? only, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var problems = new List<(Guid, string)>();
        var (leads, events) = (0, 0L);
        // Chains without a lead are checked as well: a lead that was removed by hand must not take its traces with it. Also one lead's are looked for among all
        // events: it would not say where somebody has put others in its name.
        var chains = db.Leads.Where(l => only == null || l.Id == only).Select(l => new Chain { ReceivedAt = l.ReceivedAt, LeadId = l.Id })
            .Union(db.AuditEvents.Where(a => only == null || a.LeadId == only).Select(a => new Chain { ReceivedAt = a.ReceivedAt, LeadId = a.LeadId }));
        foreach (var part in await ChainsAsync(chains, cancellationToken))
        {
            var ids = part.Select(c => c.LeadId).ToList();
            var states = await db.Leads.AsNoTracking().Where(l => ids.Contains(l.Id)).Select(l => new { l.Id, l.ReceivedAt, l.AuditSeq, l.AuditHead }).ToDictionaryAsync(l => l.Id, cancellationToken);
            var rows = await EventsAsync(db, part, cancellationToken);
            foreach (var chain in part)
            {
                var found = rows[chain].OrderBy(r => r.Seq).ToList();
                var state = states.GetValueOrDefault(chain.LeadId);
                events += found.Count;
                // No hash covers where events are kept: those that are kept elsewhere would be seen by nobody, or be there twice.
                if (state is not null && state.ReceivedAt != chain.ReceivedAt)
                {
                    problems.Add((chain.LeadId, $"{found.Count} events are not where the lead's are"));
                    continue;
                }
                leads++;
                if (AuditChain.Verify(found, state?.AuditSeq, state?.AuditHead) is { } problem)
                    problems.Add((chain.LeadId, problem));
                else if (state is null)
                    problems.Add((chain.LeadId, "the lead of this chain is gone"));
            }
        }
        return (leads, events, problems);
    }

    /// <summary>Chains in the order in which their events lie, in parts that are read at once.</summary>
    private static async Task<IEnumerable<Chain[]>> ChainsAsync(IQueryable<Chain> chains, CancellationToken cancellationToken) =>
        (await chains.OrderBy(c => c.ReceivedAt).ThenBy(c => c.LeadId).ToListAsync(cancellationToken)).Chunk(500);

    private static async Task<ILookup<Chain, AuditRow>> EventsAsync(LeadDb db, Chain[] part, CancellationToken cancellationToken)
    {
        var (first, last, ids) = (part[0].ReceivedAt, part[^1].ReceivedAt, part.Select(c => c.LeadId).ToList());
        var rows = await db.AuditEvents.AsNoTracking().Where(a => a.ReceivedAt >= first && a.ReceivedAt <= last && ids.Contains(a.LeadId)).ToListAsync(cancellationToken);
        return rows.ToLookup(a => new Chain { ReceivedAt = a.ReceivedAt, LeadId = a.LeadId });
    }

    /// <summary>Where the events of a lead lie.</summary>
    private sealed record Chain
    {
        public required DateTimeOffset ReceivedAt { get; init; }
        public required Guid LeadId { get; init; }
    }

    private static async Task<(LeadRow? Row, bool Alias)> RowAsync(LeadDb db, Guid id, CancellationToken cancellationToken)
    {
        if (await db.Leads.AsNoTracking().FirstOrDefaultAsync(l => l.Id == id, cancellationToken) is { } row)
            return (row, false);
        var alias = await db.Aliases.AsNoTracking().FirstOrDefaultAsync(a => a.AliasId == id, cancellationToken);
        return alias is null ? (null, false) : (await db.Leads.AsNoTracking().FirstOrDefaultAsync(l => l.Id == alias.LeadId, cancellationToken), true);
    }

    /// <summary>Where a page ended, as opaque text.</summary>
    private static class Cursor
    {
        public static string Write(DateTimeOffset at, Guid id) =>
            Convert.ToHexStringLower([.. BitConverter.GetBytes(at.UtcTicks), .. id.ToByteArray()]);

        public static (DateTimeOffset At, Guid Id) Read(string text)
        {
            if (text.Length != 48)
                throw new FormatException("The cursor is not one that this service gave.");
            var bytes = Convert.FromHexString(text);
            return (new DateTimeOffset(BitConverter.ToInt64(bytes), TimeSpan.Zero), new Guid(bytes.AsSpan(8)));
        }
    }
}
