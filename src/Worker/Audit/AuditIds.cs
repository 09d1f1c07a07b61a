using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.Audit;

/// <summary>The ids of the run and the execution that events belong to. A lead's events come one after the other and share them, and each id is a hash. For one thread.</summary>
public sealed class AuditIds
{
    private (Guid Lead, int? Run, int? Epoch) of;
    private (Guid? Run, Guid? Execution) ids;

    /// <summary>An event's run, null before the first, and its execution, null outside one.</summary>
    public (Guid? Run, Guid? Execution) Of(AuditRow row)
    {
        if (of != (row.LeadId, row.Run, row.Epoch))
            (of, ids) = ((row.LeadId, row.Run, row.Epoch), (AuditReader.RunId(row), AuditReader.ExecutionId(row)));
        return ids;
    }
}
