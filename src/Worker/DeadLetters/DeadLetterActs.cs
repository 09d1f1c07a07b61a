using System.Text.Json.Nodes;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Worker.DeadLetters;

/// <summary>Something that a person did about dead letters.</summary>
/// <param name="At">When.</param>
/// <param name="Actor">Who.</param>
/// <param name="Act"><c>replayed</c>, <c>discarded</c>, <c>noted</c>, <c>replay_ordered</c>, <c>replay_stopped</c>, <c>edited</c>, <c>viewed</c> (an edit, with what stands in it), <c>edit_approved</c>, <c>edit_denied</c>.</param>
/// <param name="DeadLetterId">The dead letter that it is about; null: a group, or several.</param>
/// <param name="Group">The group that it is about; null: none.</param>
/// <param name="Text">What was said about it; null: nothing.</param>
public sealed record DeadLetterAct(DateTimeOffset At, string Actor, string Act, Guid? DeadLetterId, string? Group, string? Text)
{
    /// <summary>As it is shown.</summary>
    public JsonObject Json() => new()
    {
        ["at"] = At.ToString("O", System.Globalization.CultureInfo.InvariantCulture),
        ["by"] = Actor,
        ["act"] = Act,
        ["text"] = Text,
    };
}

/// <summary>
/// The table <c>dead_letter_acts</c>: who did what about dead letters, and notes on their groups. What is done about a lead stands in the lead's audit chain; this is for what
/// has no lead: messages, groups, replays of many. What was said is sealed.
/// </summary>
public sealed class DeadLetterActs(SqlDatabase database, LeadCipher cipher, TimeProvider time)
{
    /// <summary>What a note on a group is called.</summary>
    public const string Noted = "noted";

    /// <summary>Writes down that somebody did something.</summary>
    public async Task RecordAsync(string actor, string act, Guid? deadLetterId, string? group, string? text, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var id = Guid.CreateVersion7(now);
        var detail = text is null ? null : cipher.SealWithOwnKey(System.Text.Encoding.UTF8.GetBytes(text), id);
        await using var session = await database.OpenAsync(cancellationToken);
        await session.BeginAsync(cancellationToken);
        await session.InsertAsync(LeadTables.DeadLetterActs, [[id, deadLetterId, group, AuditChain.Microseconds(now), actor, act, detail]], cancellationToken);
        await session.CommitAsync(cancellationToken);
    }

    /// <summary>What was done about a dead letter and noted on its group, the oldest first.</summary>
    public Task<List<DeadLetterAct>> OfAsync(DeadLetterRow row, CancellationToken cancellationToken) =>
        QueryAsync("WHERE dead_letter_id = @id OR fingerprint = @group", cancellationToken, ("id", row.Id), ("group", row.Fingerprint));

    /// <summary>All notes on groups, the oldest first.</summary>
    public Task<List<DeadLetterAct>> NotesAsync(CancellationToken cancellationToken) => QueryAsync("WHERE act = @act", cancellationToken, ("act", Noted));

    private async Task<List<DeadLetterAct>> QueryAsync(string where, CancellationToken cancellationToken, params (string, object?)[] parameters)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        return await session.QueryAsync($"SELECT id, dead_letter_id, fingerprint, at, actor, act, detail FROM dead_letter_acts {where} ORDER BY at, id", r =>
            new DeadLetterAct(session.Time(r, 3), r.GetString(4), r.GetString(5), r.IsDBNull(1) ? null : r.GetGuid(1), r.IsDBNull(2) ? null : r.GetString(2), r.IsDBNull(6) ? null : Open(r.GetGuid(0), (byte[])r.GetValue(6))),
            cancellationToken, parameters);
    }

    /// <summary>One that cannot be read keeps nobody from the others.</summary>
    private string Open(Guid id, byte[] detail)
    {
        try
        {
            return System.Text.Encoding.UTF8.GetString(cipher.OpenWithOwnKey(detail, id));
        }
        catch (System.Security.Cryptography.CryptographicException)
        {
            return "[cannot be read: sealed with another master key]";
        }
    }
}
