namespace LeadPipeline.Mcp.Crm;

/// <summary>A CRM that can say what keeps it from working: wrong address, credentials, missing fields or rights. Reads only.</summary>
public interface ICrmProbe
{
    /// <summary>
    /// Tries the real CRM and answers what was found, well or not. Never throws for what the CRM did; what cannot be looked at because
    /// of an earlier finding is left out.
    /// </summary>
    Task<IReadOnlyList<CrmFinding>> ProbeAsync(CancellationToken cancellationToken);
}

/// <summary>One thing that was tried.</summary>
/// <param name="What">The thing in a word or two: <c>login</c>, <c>fields of Lead</c>.</param>
/// <param name="Well">Whether it is as it has to be.</param>
/// <param name="Says">What was seen and, when it is not well, what to do. Without personal data and secrets.</param>
public sealed record CrmFinding(string What, bool Well, string Says);
