using System.Data.Common;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Worker.Storage;

/// <summary>Reads a saga from the columns of <c>leads</c>, table alias <c>l</c>.</summary>
internal static class SagaReader
{
    public const string Columns =
        "l.id, l.version, l.run, l.status, l.pending, l.attempt, l.failures, l.due_at, l.first_failed_at, l.epoch, l.owner, l.reason, l.audit_seq, l.audit_head, l.received_at, l.updated_at, l.again";

    public const int Count = 17;

    public static LeadSaga Read(DbDataReader r, SqlSession session) => new()
    {
        LeadId = r.GetGuid(0),
        Version = r.GetInt32(1),
        Run = r.GetInt32(2),
        Status = Enum.Parse<LeadStatus>(r.GetString(3)),
        Pending = LeadTables.Stage(r.IsDBNull(4) ? null : r.GetString(4)),
        Attempt = r.GetInt32(5),
        Failures = r.GetInt32(6),
        DueAt = r.IsDBNull(7) ? null : session.Time(r, 7),
        FirstFailedAt = r.IsDBNull(8) ? null : session.Time(r, 8),
        Epoch = r.GetInt32(9),
        Owner = r.IsDBNull(10) ? null : r.GetInt32(10),
        Reason = r.IsDBNull(11) ? null : r.GetString(11),
        AuditSeq = r.GetInt32(12),
        AuditHead = (byte[])r.GetValue(13),
        ReceivedAt = session.Time(r, 14),
        UpdatedAt = session.Time(r, 15),
        Again = r.GetBoolean(16),
    };
}
