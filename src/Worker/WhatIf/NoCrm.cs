using LeadPipeline.Mcp.Crm;

namespace LeadPipeline.Worker.WhatIf;

/// <summary>
/// Stands where the CRM would be while something is only thought through. Whoever calls it has a fault: it answers nothing, and no provider is made
/// behind it that could.
/// </summary>
public sealed class NoCrm : ICrm
{
    /// <inheritdoc/>
    public string Provider => "none";

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">Always.</exception>
    public Task<CrmView> ReadAsync(CrmQuery query, CancellationToken cancellationToken) => throw Refusal("read");

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">Always.</exception>
    public Task<IReadOnlyList<CrmOutcome>> WriteAsync(CrmBatch batch, CancellationToken cancellationToken) => throw Refusal("written to");

    private static InvalidOperationException Refusal(string what) => new($"The CRM was to be {what} in a trial run, which may not call it.");
}
