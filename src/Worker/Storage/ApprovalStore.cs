using System.Data.Common;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Worker.Approvals;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Worker.Storage;

/// <summary>A request and what is sealed of it.</summary>
/// <param name="Approval">The request.</param>
/// <param name="Content">Null when the lead that it is about was erased.</param>
public sealed record StoredApproval(Approval Approval, ApprovalContent? Content);

/// <summary>
/// Requests for approval. What belongs to a lead changes only together with it, in one commit with its audit chain, so that a plan and the people
/// who decide about it never go past each other; the rest stands by itself.
/// </summary>
public sealed class ApprovalStore(SqlDatabase database, LeadStore leads, LeadCipher cipher, TimeProvider time, TimeSpan expireAfter)
{
    private const int MaxTries = 10;

    private const string Columns =
        "a.id, a.version, a.lead_id, a.run, a.step, a.operation, a.arguments_hash, a.state, a.needed, a.requested_by, a.requested_at, a.expires_at, a.acts, a.sealed, COALESCE(a.data_key, l.data_key)";

    /// <summary>How long a request stands.</summary>
    public TimeSpan ExpireAfter => expireAfter;

    /// <summary>The requests of a run's plan.</summary>
    public async Task<List<Approval>> OfRunAsync(Guid leadId, int run, CancellationToken cancellationToken) =>
        (await QueryAsync("WHERE a.lead_id = @lead AND a.run = @run ORDER BY a.requested_at", cancellationToken, ("lead", leadId), ("run", run))).ConvertAll(s => s.Approval);

    /// <summary>Requests, newest first, as they stand now.</summary>
    /// <param name="state">Only these; null: all.</param>
    /// <param name="limit">At most so many.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    public async Task<List<StoredApproval>> ListAsync(ApprovalState? state, int limit, CancellationToken cancellationToken)
    {
        // A request whose time is over is shown as what it is, also before anybody has written that down.
        var which = state switch
        {
            null => "",
            ApprovalState.Open or ApprovalState.Approved => "WHERE a.state = @state AND a.expires_at > @now",
            ApprovalState.Expired => "WHERE (a.state = @state OR (a.state IN ('open', 'approved') AND a.expires_at <= @now))",
            _ => "WHERE a.state = @state",
        };
        var found = await QueryAsync(
            $"{which} ORDER BY a.requested_at DESC LIMIT @limit", cancellationToken, ("limit", limit), ("state", state is { } wanted ? Name(wanted) : ""), ("now", time.GetUtcNow()));
        return found.ConvertAll(AsOfNow);
    }

    /// <summary>A request as it stands now; null: there is none.</summary>
    public async Task<StoredApproval?> FindAsync(Guid id, CancellationToken cancellationToken) =>
        await ReadAsync(id, cancellationToken) is { } found ? AsOfNow(found) : null;

    /// <summary>Requests whose time is over and of which nobody has said so.</summary>
    public async Task<List<Guid>> LapsedAsync(CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        return await session.QueryAsync(
            "SELECT id FROM approvals WHERE state IN ('open', 'approved') AND expires_at <= @now LIMIT 100", r => r.GetGuid(0), cancellationToken, ("now", time.GetUtcNow()));
    }

    /// <summary>Stores a person's request.</summary>
    /// <param name="approval">The request.</param>
    /// <param name="content">Its arguments and reason.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    /// <returns>False when it is about a lead that there is not.</returns>
    public async Task<bool> AddAsync(Approval approval, ApprovalContent content, CancellationToken cancellationToken)
    {
        if (approval.LeadId is { } leadId)
        {
            if (await leads.LoadAsync(leadId) is not { } work)
                return false;
            var change = new ApprovalChange(null, NewRow(approval, content, work.Key));
            var applied = await leads.ApplyAsync(work, new SagaMessage.Noted(), [Requested(approval)], commit => WithEvents(commit, change), approval.RequestedBy);
            return applied.Took;
        }
        var (key, wrapped) = cipher.NewKey(approval.Id);
        var row = ToRow(approval);
        (row.DataKey, row.Sealed) = (wrapped, SealedJson.Seal(key, content, approval.Id, ApprovalJson.Default.ApprovalContent));
        await using var session = await database.OpenAsync(cancellationToken);
        _ = await session.InsertAsync(LeadTables.NewApprovals, [LeadTables.NewApprovalRow(row)], cancellationToken);
        return true;
    }

    /// <summary>Does something with a request.</summary>
    /// <param name="id">The request.</param>
    /// <param name="act">What.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    /// <returns>Null: there is no such request.</returns>
    public async Task<ApprovalDecision?> ActAsync(Guid id, ApprovalAct act, CancellationToken cancellationToken)
    {
        for (var i = 0; i < MaxTries; i++)
        {
            if (await ReadAsync(id, cancellationToken) is not { Approval: var before })
                return null;
            var decision = ApprovalMachine.Decide(before, act, time.GetUtcNow());
            if (decision.Next.Version == before.Version || await ChangeAsync(before, decision.Next))
                return decision;
        }
        throw new TimeoutException($"Request {id} is being changed by others all the time; try again.");
    }

    /// <summary>The row of a request that a plan makes.</summary>
    internal static ApprovalRow NewRow(Approval approval, ApprovalContent content, LeadDataKey key)
    {
        var row = ToRow(approval);
        row.Sealed = SealedJson.Seal(key, content, approval.LeadId!.Value, ApprovalJson.Default.ApprovalContent);
        return row;
    }

    /// <summary>A request within a lead's unit of work.</summary>
    public static ApprovalChange Change(Approval before, Approval after) => new(ToRow(before), ToRow(after));

    /// <summary>The event that a request was made.</summary>
    internal static AuditFact Requested(Approval approval) => new("approval", "requested", new JsonObject
    {
        ["approval"] = approval.Id.ToString(),
        ["operation"] = approval.Operation,
        ["step"] = approval.Step,
        ["argumentsHash"] = approval.ArgumentsHash,
        ["needed"] = approval.Needed,
        ["by"] = approval.RequestedBy,
    });

    /// <summary>The event that tells of the last act.</summary>
    internal static AuditFact Acted(Approval after) => new("approval", after.Acts[^1].What, new JsonObject
    {
        ["approval"] = after.Id.ToString(),
        ["operation"] = after.Operation,
        ["step"] = after.Step,
        ["state"] = Name(after.State),
        ["by"] = after.Acts[^1].By,
    });

    /// <summary>The state's name on every surface.</summary>
    public static string Name(ApprovalState state) => state.ToString().ToLowerInvariant();

    private async Task<bool> ChangeAsync(Approval before, Approval after)
    {
        if (before.LeadId is { } leadId && await leads.LoadAsync(leadId) is { } work)
        {
            // A plan that waits for this looks again at once.
            SagaMessage message = before is { IsForStep: true, Run: { } run } ? new SagaMessage.Woken(run, PlanReason) : new SagaMessage.Noted();
            var applied = await leads.ApplyAsync(work, message, [Acted(after)], commit => WithEvents(commit, Change(before, after)), after.Acts[^1].By);
            return applied.Took;
        }
        await using var session = await database.OpenAsync(CancellationToken.None);
        return (await session.UpdateAsync(LeadTables.ChangeApprovals, [LeadTables.ChangeApprovalRow(ToRow(before), ToRow(after))], CancellationToken.None)).Count == 1;
    }

    /// <summary>The sweeper is to look at once at a lead that has ended, for the event: this may be a process that publishes nothing.</summary>
    private LeadCommit WithEvents(LeadCommit commit, ApprovalChange change) =>
        commit with { Approvals = [change], SweepAt = commit.Saga.Pending == LeadStage.None ? AuditChain.Microseconds(time.GetUtcNow()) : commit.SweepAt };

    /// <summary>Why a lead waits whose plan needs an approval.</summary>
    public const string PlanReason = "approval-required";

    private StoredApproval AsOfNow(StoredApproval stored) =>
        stored with { Approval = ApprovalMachine.Decide(stored.Approval, new ApprovalAct.Expire(ApprovalMachine.Pipeline), time.GetUtcNow()).Next };

    private async Task<StoredApproval?> ReadAsync(Guid id, CancellationToken cancellationToken) =>
        (await QueryAsync("WHERE a.id = @id", cancellationToken, ("id", id))).FirstOrDefault();

    private async Task<List<StoredApproval>> QueryAsync(string which, CancellationToken cancellationToken, params (string Name, object? Value)[] parameters)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        return await session.QueryAsync($"SELECT {Columns} FROM approvals a LEFT JOIN leads l ON l.id = a.lead_id {which}", r => Read(r, session), cancellationToken, parameters);
    }

    private StoredApproval Read(DbDataReader r, SqlSession session)
    {
        var approval = new Approval
        {
            Id = r.GetGuid(0),
            Version = r.GetInt32(1),
            LeadId = r.IsDBNull(2) ? null : r.GetGuid(2),
            Run = r.IsDBNull(3) ? null : r.GetInt32(3),
            Step = r.IsDBNull(4) ? null : r.GetString(4),
            Operation = r.GetString(5),
            ArgumentsHash = r.GetString(6),
            State = Enum.Parse<ApprovalState>(r.GetString(7), ignoreCase: true),
            Needed = r.GetInt32(8),
            RequestedBy = r.GetString(9),
            RequestedAt = session.Time(r, 10),
            ExpiresAt = session.Time(r, 11),
            Acts = JsonSerializer.Deserialize(r.GetString(12), ApprovalJson.Default.IReadOnlyListApprovalEvent) ?? [],
        };
        var boundTo = approval.LeadId ?? approval.Id;
        var content = r.IsDBNull(14) ? null : SealedJson.Open(cipher.Unwrap((byte[])r.GetValue(14), boundTo), (byte[])r.GetValue(13), boundTo, ApprovalJson.Default.ApprovalContent);
        return new StoredApproval(approval, content);
    }

    private static ApprovalRow ToRow(Approval approval) => new()
    {
        Id = approval.Id,
        Version = approval.Version,
        LeadId = approval.LeadId,
        Run = approval.Run,
        Step = approval.Step,
        Operation = approval.Operation,
        ArgumentsHash = approval.ArgumentsHash,
        State = Name(approval.State),
        Needed = approval.Needed,
        RequestedBy = approval.RequestedBy,
        RequestedAt = approval.RequestedAt,
        ExpiresAt = approval.ExpiresAt,
        Acts = JsonSerializer.Serialize(approval.Acts, ApprovalJson.Default.IReadOnlyListApprovalEvent),
        Sealed = [],
    };
}
