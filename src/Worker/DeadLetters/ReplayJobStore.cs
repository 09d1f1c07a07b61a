using System.Data.Common;
using System.Text.Json;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Worker.DeadLetters;

/// <summary>The table <c>replay_jobs</c>: replays that were ordered, and how far each has come. They outlive the worker that carries them out.</summary>
public sealed class ReplayJobStore(SqlDatabase database, TimeProvider time)
{
    private const string Columns = "id, version, state, ordered_by, ordered_at, updated_at, owner, pace, items, progress";

    private DateTimeOffset Now => AuditChain.Microseconds(time.GetUtcNow());

    /// <summary>Keeps a replay that was ordered.</summary>
    public async Task<ReplayJob> AddAsync(IReadOnlyList<DeadLetterRow> rows, ReplayPace pace, string actor, CancellationToken cancellationToken)
    {
        var job = new ReplayJob { Id = Guid.CreateVersion7(time.GetUtcNow()), OrderedBy = actor, OrderedAt = Now, UpdatedAt = Now, Pace = pace, Items = [.. rows.Select(r => new ReplayItem(r.Id, r.LeadId, r.Fingerprint))] };
        await using var session = await database.OpenAsync(cancellationToken);
        await session.BeginAsync(cancellationToken);
        await session.InsertAsync(LeadTables.ReplayJobs,
            [[job.Id, 0, job.State, actor, job.OrderedAt, job.UpdatedAt, null, JsonSerializer.Serialize(pace, ReplayJson.Default.ReplayPace), JsonSerializer.Serialize(job.Items, ReplayJson.Default.IReadOnlyListReplayItem), JsonSerializer.Serialize(job.Progress, ReplayJson.Default.ReplayProgress)]],
            cancellationToken);
        await session.CommitAsync(cancellationToken);
        return job;
    }

    /// <summary>One of them; null: there is none.</summary>
    public async Task<ReplayJob?> FindAsync(Guid id, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        return await session.QueryAsync($"SELECT {Columns} FROM replay_jobs WHERE id = @id", r => Read(r, session), cancellationToken, ("id", id)) is [var job] ? job : null;
    }

    /// <summary>The latest ones, the newest first.</summary>
    /// <param name="state">Only those that stand there; null: all.</param>
    /// <param name="limit">At most so many.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    public async Task<List<ReplayJob>> ListAsync(string? state, int limit, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        var where = state is null ? "" : "WHERE state = @state";
        return await session.QueryAsync($"SELECT {Columns} FROM replay_jobs {where} ORDER BY ordered_at DESC, id DESC LIMIT @limit", r => Read(r, session), cancellationToken, ("state", state ?? ""), ("limit", limit));
    }

    /// <summary>Those that are not ended, the oldest first, and the worker that has each, if any. Without what they replay: everybody looks each second, and it may be very much.</summary>
    public async Task<List<(Guid Id, int? Owner)>> RunningAsync(CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        return await session.QueryAsync("SELECT id, owner FROM replay_jobs WHERE state = @state ORDER BY ordered_at, id LIMIT 100", r => (r.GetGuid(0), Owner(r, 1)), cancellationToken, ("state", ReplayJob.Running));
    }

    /// <summary>Keeps a step.</summary>
    /// <param name="before">The job as it was read or kept last.</param>
    /// <param name="after">The job as it is now; its version is taken from <paramref name="before"/>.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    /// <returns>The job with its new version; null: somebody has stopped it, or another worker has it.</returns>
    public async Task<ReplayJob?> SaveAsync(ReplayJob before, ReplayJob after, CancellationToken cancellationToken)
    {
        var next = after with { Version = before.Version + 1, UpdatedAt = Now };
        await using var session = await database.OpenAsync(cancellationToken);
        var kept = await session.ExecuteAsync(
            "UPDATE replay_jobs SET version = @next, state = @state, owner = @owner, progress = @progress, updated_at = @now WHERE id = @id AND version = @version", cancellationToken,
            ("next", next.Version), ("state", next.State), ("owner", next.Owner ?? 0), ("progress", JsonSerializer.Serialize(next.Progress, ReplayJson.Default.ReplayProgress)),
            ("now", next.UpdatedAt), ("id", next.Id), ("version", before.Version));
        return kept == 1 ? next : null;
    }

    /// <summary>Ends a job where it is; what has gone on goes on. Null: there is none; a job that has ended already stays as it is.</summary>
    public async Task<ReplayJob?> StopAsync(Guid id, CancellationToken cancellationToken)
    {
        while (await FindAsync(id, cancellationToken) is { } job)
        {
            if (job.State == ReplayJob.Ended)
                return job;
            // The worker that has it may keep a step in this moment: then once more, on what it is by now.
            if (await SaveAsync(job, job with { State = ReplayJob.Ended, Progress = job.Progress with { Stopped = "by-operator" } }, cancellationToken) is { } stopped)
                return stopped;
        }
        return null;
    }

    private static ReplayJob Read(DbDataReader r, SqlSession session) => new()
    {
        Id = r.GetGuid(0),
        Version = r.GetInt32(1),
        State = r.GetString(2),
        OrderedBy = r.GetString(3),
        OrderedAt = session.Time(r, 4),
        UpdatedAt = session.Time(r, 5),
        Owner = Owner(r, 6),
        Pace = JsonSerializer.Deserialize(r.GetString(7), ReplayJson.Default.ReplayPace)!,
        Items = JsonSerializer.Deserialize(r.GetString(8), ReplayJson.Default.IReadOnlyListReplayItem)!,
        Progress = JsonSerializer.Deserialize(r.GetString(9), ReplayJson.Default.ReplayProgress)!,
    };

    private static int? Owner(DbDataReader r, int ordinal) => r.IsDBNull(ordinal) || r.GetInt32(ordinal) == 0 ? null : r.GetInt32(ordinal);
}
