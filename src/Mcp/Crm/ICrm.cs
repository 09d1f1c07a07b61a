namespace LeadPipeline.Mcp.Crm;

/// <summary>
/// A CRM, reduced to what the tools need: one composite read before anything is decided, one composite write of what was decided.
/// Every rule about leads, accounts and stages lives in the tools, so that all providers obey the same ones.
/// </summary>
public interface ICrm
{
    /// <summary>Name in lower case: <c>mock</c>, <c>salesforce</c>, <c>hubspot</c>.</summary>
    string Provider { get; }

    /// <summary>Reads everything that a plan needs to know, in as few calls as the vendor allows.</summary>
    /// <exception cref="CrmUnavailableException">The CRM did not answer, or not now.</exception>
    Task<CrmView> ReadAsync(CrmQuery query, CancellationToken cancellationToken);

    /// <summary>
    /// Writes a batch in order and answers one outcome a write. A refusal of one write does not stop the others, except those that refer to
    /// its record; any other failure stops the batch, and what follows is <see cref="CrmOutcome.NotTried"/>.
    /// Never throws for what the CRM did: a lost answer is <see cref="CrmOutcome.Unknown"/>.
    /// </summary>
    Task<IReadOnlyList<CrmOutcome>> WriteAsync(CrmBatch batch, CancellationToken cancellationToken);
}

/// <summary>Writes that belong to one lead, in order.</summary>
/// <param name="LeadId">The lead.</param>
/// <param name="Email">The lead's address; drills pick leads by it.</param>
/// <param name="Writes">The writes in order.</param>
/// <param name="StopAtRefusal">Steps whose refusal ends the batch: the critical ones.</param>
public sealed record CrmBatch(Guid LeadId, string Email, IReadOnlyList<CrmWrite> Writes, IReadOnlySet<string> StopAtRefusal);

/// <summary>What to read. Members that are null or empty are not asked for.</summary>
public sealed record CrmQuery
{
    /// <summary>Leads with this external key.</summary>
    public string? RecordKey { get; init; }
    /// <summary>Leads with this e-mail address, lower case.</summary>
    public string? Email { get; init; }
    /// <summary>Accounts with this domain, lower case.</summary>
    public string? AccountDomain { get; init; }
    /// <summary>Accounts whose names resemble this one. The provider answers candidates; the tool decides.</summary>
    public string? AccountName { get; init; }
    /// <summary>The external key that an account made for this domain or name carries. Accounts with it belong to the answer, however lately they were made.</summary>
    public string? AccountKey { get; init; }
    /// <summary>The campaign with this id or name.</summary>
    public string? Campaign { get; init; }
    /// <summary>Users with this id, e-mail address or name.</summary>
    public string? User { get; init; }
    /// <summary>Contacts with this e-mail address, lower case.</summary>
    public string? ContactEmail { get; init; }
    /// <summary>Records that carry these effect keys.</summary>
    public IReadOnlyCollection<(CrmObject Object, string EffectKey)> Effects { get; init; } = [];
    /// <summary>Records with these ids.</summary>
    public IReadOnlyCollection<(CrmObject Object, string Id)> Records { get; init; } = [];
}

/// <summary>What was read, at one moment.</summary>
public sealed record CrmView
{
    /// <summary>Leads that match by external key or by e-mail, oldest first.</summary>
    public IReadOnlyList<CrmRecord> Leads { get; init; } = [];
    /// <summary>Accounts that match by domain or may match by name.</summary>
    public IReadOnlyList<CrmRecord> Accounts { get; init; } = [];
    /// <summary>Open opportunities of <see cref="Accounts"/>.</summary>
    public IReadOnlyList<CrmRecord> OpenOpportunities { get; init; } = [];
    /// <summary>The campaign that was asked for, if it exists.</summary>
    public CrmRecord? Campaign { get; init; }
    /// <summary>Active users that match what was asked for.</summary>
    public IReadOnlyList<CrmRecord> Users { get; init; } = [];
    /// <summary>Contacts with the address that was asked for, oldest first.</summary>
    public IReadOnlyList<CrmRecord> Contacts { get; init; } = [];
    /// <summary>Records found by effect key.</summary>
    public IReadOnlyDictionary<string, CrmRecord> Effects { get; init; } = new Dictionary<string, CrmRecord>();
    /// <summary>Records found by id.</summary>
    public IReadOnlyDictionary<string, CrmRecord> Records { get; init; } = new Dictionary<string, CrmRecord>();
}

/// <summary>A read that did not come back.</summary>
public sealed class CrmUnavailableException(
    NotNowKind kind, string message, TimeSpan? retryAfter = null, Exception? inner = null, CrmFault fault = CrmFault.Unknown)
    : Exception(message, inner)
{
    /// <summary>What kind of trouble it was, for the meters.</summary>
    public CrmFault Fault { get; } = fault;

    /// <summary>Why.</summary>
    public NotNowKind Kind { get; } = kind;

    /// <summary>How long the CRM asks us to wait, if it said.</summary>
    public TimeSpan? RetryAfter { get; } = retryAfter;
}
