using System.Data.Common;
using System.Text.Json.Nodes;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Worker.DeadLetters;

/// <summary>Dead letters of one cause.</summary>
/// <param name="Group">The fingerprint.</param>
/// <param name="Count">How many.</param>
/// <param name="Reason">A stable code.</param>
/// <param name="Queue">The queue whose work failed.</param>
/// <param name="Replayed">How many of them have been replayed before, and are here again.</param>
public sealed record DeadLetterGroup(string Group, int Count, string Reason, string Queue, int Replayed = 0)
{
    /// <summary>As it is shown.</summary>
    public JsonObject Json() => new() { ["group"] = Group, ["count"] = Count, ["reason"] = Reason, ["queue"] = Queue, ["replayed"] = Replayed };
}

/// <summary>The table <c>dead_letters</c>: leads whose stage failed for good, and messages that were put aside.</summary>
public sealed class DeadLetterStore(SqlDatabase database, LeadCipher cipher)
{
    /// <summary>The states that a row can have.</summary>
    public static readonly IReadOnlyList<string> States = ["open", "sending", "replayed", "discarded", "erased"];

    /// <summary>A lead that fails again after a replay is another dead letter, and it says so: the replays of those before it are its own, too.</summary>
    private const string Replays = "(CASE WHEN lead_id IS NULL THEN replays ELSE (SELECT CAST(SUM(e.replays) AS INTEGER) FROM dead_letters e WHERE e.lead_id = dead_letters.lead_id AND e.at <= dead_letters.at) END)";

    /// <summary>Not taken for an edit, which alone may say what comes of it.</summary>
    private const string NoEdit = "NOT EXISTS (SELECT 1 FROM dead_letter_edits e WHERE e.dead_letter_id = @id AND e.state = 'sending')";

    private const string Plain = $"id, lead_id, queue, fingerprint, reason, at, state, {Replays}";

    private const string Columns = $"{Plain}, detail";

    /// <summary>As it is shown: nothing personal.</summary>
    public static JsonObject Json(DeadLetterRow row) => new()
    {
        ["id"] = row.Id.ToString(),
        ["group"] = row.Fingerprint,
        ["queue"] = row.Queue,
        ["leadId"] = row.LeadId?.ToString(),
        ["reason"] = row.Reason,
        ["at"] = row.At.ToString("O", System.Globalization.CultureInfo.InvariantCulture),
        ["replays"] = row.Replays,
        ["state"] = row.State,
    };

    /// <summary>All groups that stand in a state, the largest first.</summary>
    public async Task<List<DeadLetterGroup>> GroupsAsync(string state, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        return await session.QueryAsync(
            $"SELECT fingerprint, COUNT(*), reason, queue, SUM(CASE WHEN {Replays} > 0 THEN 1 ELSE 0 END) FROM dead_letters WHERE state = @state GROUP BY fingerprint, reason, queue ORDER BY COUNT(*) DESC, fingerprint",
            r => new DeadLetterGroup(r.GetString(0), (int)r.GetInt64(1), r.GetString(2), r.GetString(3), (int)r.GetInt64(4)), cancellationToken, ("state", state));
    }

    /// <summary>Rows that stand in a state, the oldest first.</summary>
    /// <param name="state">One of <see cref="States"/>.</param>
    /// <param name="group">Only this group; null: all.</param>
    /// <param name="limit">At most so many.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    public Task<List<DeadLetterRow>> ListAsync(string state, string? group, int limit, CancellationToken cancellationToken) => ListAsync(state, group, null, limit, cancellationToken);

    /// <summary>Rows that stand in a state and match, the oldest first.</summary>
    /// <param name="state">One of <see cref="States"/>.</param>
    /// <param name="group">Only this group; null: all.</param>
    /// <param name="search">Only those in whose group, reason, queue, own id or lead's id this occurs, whatever the case; null: all.</param>
    /// <param name="limit">At most so many.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    public async Task<List<DeadLetterRow>> ListAsync(string state, string? group, string? search, int limit, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        var where = (group is null ? "" : "AND fingerprint = @group ")
            + (search is null ? "" : """AND LOWER(fingerprint || ' ' || reason || ' ' || queue || ' ' || CAST(id AS TEXT) || ' ' || COALESCE(CAST(lead_id AS TEXT), '')) LIKE @search ESCAPE '!'""");
        var pattern = "%" + (search ?? "").ToLowerInvariant().Replace("!", "!!", StringComparison.Ordinal).Replace("%", "!%", StringComparison.Ordinal).Replace("_", "!_", StringComparison.Ordinal) + "%";
        return await session.QueryAsync($"SELECT {Columns} FROM dead_letters WHERE state = @state {where} ORDER BY at, id LIMIT @limit",
            r => Read(r, session), cancellationToken, ("state", state), ("group", group ?? ""), ("search", pattern), ("limit", limit));
    }

    /// <summary>All open rows, the oldest first, without what they keep sealed: of a message that is its whole body, and there may be very many.</summary>
    /// <param name="group">Only this group; null: all.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    public async Task<List<DeadLetterRow>> OpenAsync(string? group, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        return await session.QueryAsync($"SELECT {Plain}, NULL FROM dead_letters WHERE state = 'open' {(group is null ? "" : "AND fingerprint = @group")} ORDER BY at, id",
            r => Read(r, session), cancellationToken, ("group", group ?? ""));
    }

    /// <summary>Rows by id; those that there are.</summary>
    public async Task<List<DeadLetterRow>> FindAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        var found = new List<DeadLetterRow>();
        foreach (var part in ids.Chunk(500))
            found.AddRange(await session.QueryAsync($"SELECT {Columns} FROM dead_letters WHERE {{in:id}}", r => Read(r, session), cancellationToken, ("id", part)));
        return found;
    }

    /// <summary>The open rows of leads.</summary>
    public async Task<List<DeadLetterRow>> OpenOfLeadsAsync(IReadOnlyCollection<Guid> leads, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        var found = new List<DeadLetterRow>();
        foreach (var part in leads.Chunk(500))
            found.AddRange(await session.QueryAsync($"SELECT {Columns} FROM dead_letters WHERE state = 'open' AND {{in:lead_id}}", r => Read(r, session), cancellationToken, ("lead_id", part)));
        return found;
    }

    /// <summary>Which of the leads have not come to an end.</summary>
    public async Task<List<Guid>> UnderWayAsync(IReadOnlyCollection<Guid> leads, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        var found = new List<Guid>();
        foreach (var part in leads.Chunk(500))
            found.AddRange(await session.QueryAsync("SELECT id FROM leads WHERE pending IS NOT NULL AND {in:id}", r => r.GetGuid(0), cancellationToken, ("id", part)));
        return found;
    }

    /// <summary>Whether a lead is on record, erased or not.</summary>
    public async Task<bool> KnowsLeadAsync(Guid leadId, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        return (await session.QueryAsync("SELECT 1 FROM leads WHERE id = @id", r => r.GetInt32(0), cancellationToken, ("id", leadId))).Count > 0;
    }

    /// <summary>
    /// Keeps a message that was put aside. Read twice it is one row: the same failure has the same time. Failed again, at whatever time that worker's
    /// clock says, that row is open again; it may be so before its replay has been written down.
    /// </summary>
    public async Task KeepAsync(FailedMessage failed, CancellationToken cancellationToken)
    {
        var row = new DeadLetterRow
        {
            Id = failed.Id,
            Queue = failed.Queue,
            Fingerprint = failed.Fingerprint,
            Reason = failed.Reason,
            At = failed.FailedAt,
            State = "open",
            Detail = Seal(failed.Id, new DeadLetterDetail(failed.Message, null)),
        };
        await using var session = await database.OpenAsync(cancellationToken);
        await session.BeginAsync(cancellationToken);
        if ((await session.InsertAsync(LeadTables.DeadLetters, [LeadTables.DeadLetterRow(row)], cancellationToken)).Count == 0)
        {
            await session.ExecuteAsync(
                "UPDATE dead_letters SET state = 'open', at = @at, fingerprint = @group, reason = @reason, detail = @detail WHERE id = @id AND at <> @at",
                cancellationToken, ("id", row.Id), ("at", row.At), ("group", row.Fingerprint), ("reason", row.Reason), ("detail", row.Detail));
        }
        await session.CommitAsync(cancellationToken);
    }

    /// <summary>The message that a row keeps; null: none.</summary>
    public QueueMessage? Message(DeadLetterRow row) => Open(row)?.Message;

    /// <summary>Why a message was thrown away; null: it was not, or the row is a lead's, whose audit tells.</summary>
    public DiscardNote? Discarded(DeadLetterRow row) => Open(row)?.Discarded;

    /// <summary>
    /// Takes a message, to send it as it is: no edit of it is sent from here on. Taken by somebody who died over it, it can be taken again, for it goes out with the id that it has.
    /// False: it is not open, or an edit of it is being sent.
    /// </summary>
    public async Task<bool> ClaimAsync(Guid id, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenAsync(cancellationToken);
        return await session.ExecuteAsync($"UPDATE dead_letters SET state = 'sending' WHERE id = @id AND (state = 'open' OR (state = 'sending' AND {NoEdit}))", cancellationToken, ("id", id)) == 1;
    }

    /// <summary>The broker did not take it: it is open again.</summary>
    public async Task ReleaseAsync(Guid id, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenAsync(cancellationToken);
        await session.ExecuteAsync($"UPDATE dead_letters SET state = 'open' WHERE id = @id AND state = 'sending' AND {NoEdit}", cancellationToken, ("id", id));
    }

    /// <summary>
    /// The message of a dead letter is in its queue again, which holds it from here on. If it has failed again meanwhile, what was kept then stays: it is
    /// the only copy.
    /// </summary>
    /// <param name="sent">The dead letter as it was when its message was sent.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    public async Task ReturnedAsync(DeadLetterRow sent, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenAsync(cancellationToken);
        await session.BeginAsync(cancellationToken);
        var returned = await session.ExecuteAsync(
            $"UPDATE dead_letters SET state = 'replayed', replays = replays + 1, detail = NULL WHERE id = @id AND state = 'sending' AND at = @at AND {NoEdit}",
            cancellationToken, ("id", sent.Id), ("at", sent.At));
        if (returned == 1)
            await CloseEditsAsync(session, sent.Id, cancellationToken);
        else
            await session.ExecuteAsync("UPDATE dead_letters SET replays = replays + 1 WHERE id = @id AND at <> @at", cancellationToken, ("id", sent.Id), ("at", sent.At));
        await session.CommitAsync(cancellationToken);
    }

    /// <summary>Closes the edits that wait when their letter is open no more: nothing personal stays in them.</summary>
    internal static Task CloseEditsAsync(SqlSession session, Guid id, CancellationToken cancellationToken) =>
        session.ExecuteAsync("UPDATE dead_letter_edits SET state = 'closed', detail = NULL WHERE dead_letter_id = @id AND state = 'open'", cancellationToken, ("id", id));

    /// <summary>Throws a message away; only who did it and why stays of it. False: it is not open.</summary>
    public async Task<bool> DiscardAsync(Guid id, DiscardNote note, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenAsync(cancellationToken);
        await session.BeginAsync(cancellationToken);
        if (await session.ExecuteAsync("UPDATE dead_letters SET state = 'discarded', detail = @detail WHERE id = @id AND state = 'open'", cancellationToken, ("id", id), ("detail", Seal(id, new DeadLetterDetail(null, note)))) == 0)
            return false;
        await CloseEditsAsync(session, id, cancellationToken);
        await session.CommitAsync(cancellationToken);
        return true;
    }

    private byte[] Seal(Guid id, DeadLetterDetail detail) => SealedJson.Seal(cipher, detail, id, DeadLetterJson.Default.DeadLetterDetail);

    private DeadLetterDetail? Open(DeadLetterRow row) => row.Detail is { } detail ? SealedJson.Open(cipher, detail, row.Id, DeadLetterJson.Default.DeadLetterDetail) : null;

    private static DeadLetterRow Read(DbDataReader r, SqlSession session) => new()
    {
        Id = r.GetGuid(0),
        LeadId = r.IsDBNull(1) ? null : r.GetGuid(1),
        Queue = r.GetString(2),
        Fingerprint = r.GetString(3),
        Reason = r.GetString(4),
        At = session.Time(r, 5),
        State = r.GetString(6),
        Replays = r.GetInt32(7),
        Detail = r.IsDBNull(8) ? null : (byte[])r.GetValue(8),
    };
}
