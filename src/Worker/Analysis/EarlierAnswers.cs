using LeadPipeline.Contracts;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Worker.Analysis;

/// <summary>Finds what a model answered to exactly the same question before. Answers that grounding rejected are not given again.</summary>
public sealed class EarlierAnswers(SqlDatabase database, LeadCipher cipher, TimeProvider time)
{
    /// <summary>The latest such answer.</summary>
    /// <param name="questionHash">The hash of the question, model and prompt included.</param>
    /// <param name="within">How old it may be.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    /// <returns>The answer's JSON and the version that gave it; null when there is none, or its lead was erased.</returns>
    public async Task<(ReadOnlyMemory<byte> Json, string? ModelVersion)?> FindAsync(string questionHash, TimeSpan within, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        var found = await session.QueryAsync(
            """
            SELECT r.lead_id, r.answer, r.model_version, l.data_key FROM lead_runs r JOIN leads l ON l.id = r.lead_id
            WHERE r.question_hash = @question AND r.started_at >= @since AND r.answer IS NOT NULL AND r.grounding_status <> 'REJECTED' AND l.data_key IS NOT NULL
            ORDER BY r.started_at DESC LIMIT 1
            """,
            r => (LeadId: r.GetGuid(0), Answer: (byte[])r.GetValue(1), Version: r.IsDBNull(2) ? null : r.GetString(2), Key: (byte[])r.GetValue(3)),
            cancellationToken, ("question", questionHash), ("since", time.GetUtcNow() - within));
        return found is [var row] ? (cipher.Unwrap(row.Key, row.LeadId).Open(row.Answer, row.LeadId), row.Version) : null;
    }
}
