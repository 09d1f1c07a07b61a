using System.Data.Common;
using System.Text.Json;
using System.Text.Json.Nodes;
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

    /// <summary>The event of a row whose payload is at hand.</summary>
    public static AuditEvent Event(AuditRow row, AuditFact fact) => Event(row, JsonElement.Parse(fact.Utf8));

    /// <summary>The event of a sealed row; without its key, the payload is gone and only that it happened remains.</summary>
    public static AuditEvent Event(AuditRow row, LeadDataKey? key) => Event(row, key is null
        ? JsonSerializer.SerializeToElement(new JsonObject { ["erased"] = true })
        : JsonElement.Parse(key.Open(row.Payload, row.LeadId)));

    private static AuditEvent Event(AuditRow row, JsonElement payload) => new()
    {
        Id = row.Id,
        LeadId = row.LeadId,
        RunId = row.Run is { } run ? DeterministicId.Run(row.LeadId, run) : null,
        ExecutionId = row is { Run: { } inRun, Epoch: { } epoch } ? DeterministicId.Execution(row.LeadId, inRun, epoch) : null,
        Seq = row.Seq,
        At = row.At,
        Actor = row.Actor,
        Stage = row.Stage,
        Kind = row.Kind,
        Payload = payload,
        PrevHash = Convert.ToHexStringLower(row.PrevHash),
        Hash = Convert.ToHexStringLower(row.Hash),
    };
}
