using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.Tests.Storage;

/// <summary>Nobody is told of what is committed.</summary>
internal sealed class NoSink : IAuditSink
{
    public bool Publishes => false;

    public void Committed(LeadSaga saga, IReadOnlyList<AuditRow> rows, IReadOnlyList<AuditFact> facts)
    {
    }
}
