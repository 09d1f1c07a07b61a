namespace LeadPipeline.Mcp.Crm.Mock;

/// <summary>Where the mock CRM keeps its records. It enforces what a CRM enforces: unique keys, existing links, versions.</summary>
public interface IMockCrmStore
{
    /// <summary>Reads what is asked.</summary>
    Task<CrmView> ReadAsync(CrmQuery query, CancellationToken cancellationToken);

    /// <summary>
    /// Writes in one transaction and answers one outcome a write. A refusal stops at <paramref name="batch"/>'s critical steps and takes the
    /// writes with it that refer to the refused record.
    /// </summary>
    Task<IReadOnlyList<CrmOutcome>> WriteAsync(CrmBatch batch, CancellationToken cancellationToken);

    /// <summary>Whether an exception means "not now".</summary>
    bool IsTransient(Exception exception);
}
