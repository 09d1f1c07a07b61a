using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Unicode;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.Audit;

/// <summary>Something to be written into a lead's audit chain.</summary>
/// <param name="Stage"><c>intake</c>, <c>analysis</c>, <c>grounding</c>, <c>planning</c>, <c>execution</c>, <c>tool</c>, <c>compensation</c>, <c>guard</c>, <c>operator</c> or <c>approval</c>.</param>
/// <param name="Kind">What happened, for example <c>received</c>.</param>
/// <param name="Payload">Details, redacted by whoever writes them.</param>
/// <param name="At">When; null: with the commit.</param>
public sealed record AuditFact(string Stage, string Kind, JsonObject Payload, DateTimeOffset? At = null)
{
    /// <summary>The payload as it is sealed and published. Written once: both follow each other, and nobody changes it in between.</summary>
    public ReadOnlyMemory<byte> Utf8 => utf8 ??= JsonSerializer.SerializeToUtf8Bytes<JsonNode>(Payload);

    private byte[]? utf8;
}

/// <summary>
/// The hash chain of a lead's events. Pure: state and facts in, rows and the next state out. The hash covers the sealed payload, so a chain
/// still verifies when the lead's key is destroyed.
/// <para>hash = SHA-256( prevHash ‖ header ‖ payload ), where header is the UTF-8 text
/// <c>leadauditv1\n{leadId}\n{seq}\n{id}\n{run}\n{epoch}\n{at}\n{actor}\n{stage}\n{kind}\n{payload length}\n</c>; ids are lower-case with dashes, <c>at</c> is
/// <c>yyyy-MM-ddTHH:mm:ss.ffffffZ</c>, absent numbers are empty, and the first prevHash is 32 zero bytes.</para>
/// </summary>
public static class AuditChain
{
    /// <summary>What the first event of a chain has as the hash before it.</summary>
    public static readonly byte[] Genesis = new byte[32];

    /// <summary>Appends facts to a chain.</summary>
    /// <param name="saga">The lead's state, whose <see cref="LeadSaga.AuditSeq"/> and <see cref="LeadSaga.AuditHead"/> are the chain's end.</param>
    /// <param name="facts">What to append, in order.</param>
    /// <param name="actor">Who did it.</param>
    /// <param name="key">The lead's data key.</param>
    /// <param name="now">The time of the commit.</param>
    public static (LeadSaga Saga, List<AuditRow> Rows) Append(LeadSaga saga, IReadOnlyList<AuditFact> facts, string actor, LeadDataKey key, DateTimeOffset now)
    {
        var rows = new List<AuditRow>(facts.Count);
        var head = saga.AuditHead.Length == 0 ? Genesis : saga.AuditHead;
        var seq = saga.AuditSeq;
        foreach (var fact in facts)
        {
            seq++;
            var row = new AuditRow
            {
                LeadId = saga.LeadId,
                Seq = seq,
                Id = DeterministicId.AuditEvent(saga.LeadId, seq),
                Run = saga.Run,
                Epoch = saga.Epoch == 0 ? null : saga.Epoch,
                At = Microseconds(fact.At ?? now),
                Actor = actor,
                Stage = fact.Stage,
                Kind = fact.Kind,
                Payload = key.Seal(fact.Utf8.Span, saga.LeadId),
                PrevHash = head,
                Hash = [],
            };
            row.Hash = Hash(row);
            head = row.Hash;
            rows.Add(row);
        }
        return (saga with { AuditSeq = seq, AuditHead = head }, rows);
    }

    /// <summary>The hash that a row must have.</summary>
    public static byte[] Hash(AuditRow row)
    {
        // In one piece, on borrowed memory: there are a dozen events to a lead, and a hash that is fed bit by bit is a native object for each.
        var input = ArrayPool<byte>.Shared.Rent(row.PrevHash.Length + HeaderRoom + 3 * (row.Actor.Length + row.Stage.Length + row.Kind.Length) + row.Payload.Length);
        row.PrevHash.CopyTo(input, 0);
        var length = row.PrevHash.Length;
        // The runtime's own form is written several times as fast as one that is spelt out; its seventh digit goes.
        Span<char> at = stackalloc char[28];
        row.At.UtcDateTime.TryFormat(at, out _, "O", CultureInfo.InvariantCulture);
        if (!Utf8.TryWrite(input.AsSpan(length), CultureInfo.InvariantCulture,
            $"leadauditv1\n{row.LeadId}\n{row.Seq}\n{row.Id}\n{row.Run}\n{row.Epoch}\n{at[..26]}Z\n{row.Actor}\n{row.Stage}\n{row.Kind}\n{row.Payload.Length}\n", out var header))
            throw new InvalidOperationException("The header of an audit event is longer than was reckoned with.");
        length += header;
        row.Payload.CopyTo(input, length);
        length += row.Payload.Length;
        var hash = SHA256.HashData(input.AsSpan(0, length));
        ArrayPool<byte>.Shared.Return(input);
        return hash;
    }

    /// <summary>Bytes for all of the header but its three texts.</summary>
    private const int HeaderRoom = 256;

    /// <summary>Checks a whole chain; null when it is sound, else what is wrong.</summary>
    /// <param name="rows">All rows of the lead in the order of their numbers.</param>
    /// <param name="expectedSeq">The number that the saga says is the last; null when there is no saga.</param>
    /// <param name="expectedHead">The hash that the saga says is the last.</param>
    public static string? Verify(IReadOnlyList<AuditRow> rows, int? expectedSeq, byte[]? expectedHead)
    {
        var head = Genesis;
        for (var i = 0; i < rows.Count; i++)
        {
            var row = rows[i];
            if (row.Seq != i + 1)
                return $"event {i + 1} is missing (found {row.Seq})";
            if (!row.PrevHash.AsSpan().SequenceEqual(head))
                return $"event {row.Seq} does not follow from the one before it";
            if (!row.Hash.AsSpan().SequenceEqual(Hash(row)))
                return $"event {row.Seq} was altered";
            head = row.Hash;
        }
        if (expectedSeq is { } last && last != rows.Count)
            return $"the lead has {last} events, {rows.Count} were found";
        return expectedHead is not null && rows.Count > 0 && !head.AsSpan().SequenceEqual(expectedHead)
            ? "the last event is not the one that the lead remembers"
            : null;
    }

    /// <summary>PostgreSQL keeps microseconds; what is hashed must be what is read back.</summary>
    public static DateTimeOffset Microseconds(DateTimeOffset time) => new(time.UtcTicks - (time.UtcTicks % 10), TimeSpan.Zero);
}
