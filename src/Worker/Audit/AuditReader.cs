using System.Data.Common;
using System.Text.Json;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Worker.Audit;

/// <summary>Reads audit rows, table alias <c>a</c>, and turns them into events.</summary>
internal static class AuditReader
{
    public const string Columns = "a.lead_id, a.seq, a.id, a.run, a.epoch, a.at, a.actor, a.stage, a.kind, a.payload, a.prev_hash, a.hash";

    public const int Count = 12;

    public static AuditRow Read(DbDataReader r, SqlSession session) => new()
    {
        LeadId = r.GetGuid(0),
        Seq = r.GetInt32(1),
        Id = r.GetGuid(2),
        Run = r.IsDBNull(3) ? null : r.GetInt32(3),
        Epoch = r.IsDBNull(4) ? null : r.GetInt32(4),
        At = session.Time(r, 5),
        Actor = r.GetString(6),
        Stage = r.GetString(7),
        Kind = r.GetString(8),
        Payload = (byte[])r.GetValue(9),
        PrevHash = (byte[])r.GetValue(10),
        Hash = (byte[])r.GetValue(11),
    };

    /// <summary>The event of a sealed row; without its key, the payload is gone and only that it happened remains.</summary>
    public static AuditEvent Event(AuditRow row, LeadDataKey? key) => new()
    {
        Id = row.Id,
        LeadId = row.LeadId,
        RunId = RunId(row),
        ExecutionId = ExecutionId(row),
        Seq = row.Seq,
        At = row.At,
        Actor = row.Actor,
        Stage = row.Stage,
        Kind = row.Kind,
        Payload = JsonElement.Parse(Payload(row, key).Span),
        PrevHash = Convert.ToHexStringLower(row.PrevHash),
        Hash = Convert.ToHexStringLower(row.Hash),
    };

    /// <summary>The payload of a sealed row in the clear, as UTF-8 JSON.</summary>
    public static ReadOnlyMemory<byte> Payload(AuditRow row, LeadDataKey? key) => key?.Open(row.Payload, row.LeadId) ?? Erased;

    /// <summary>The run that an event belongs to; null before the first.</summary>
    public static Guid? RunId(AuditRow row) => row.Run is { } run ? DeterministicId.Run(row.LeadId, run) : null;

    /// <summary>The execution that an event belongs to; null outside one.</summary>
    public static Guid? ExecutionId(AuditRow row) =>
        row is { Run: { } run, Epoch: { } epoch } ? DeterministicId.Execution(row.LeadId, run, epoch) : null;

    private static readonly byte[] Erased = [.. """{"erased":true}"""u8];
}
