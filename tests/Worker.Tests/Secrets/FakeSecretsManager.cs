using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Http;
using LeadPipeline.Worker.Secrets;

namespace LeadPipeline.Worker.Tests.Secrets;

/// <summary>A secrets manager in memory that counts what it is asked.</summary>
internal sealed class FakeSecretsManager : ISecretsManager
{
    private readonly Dictionary<string, CrmSecret> stages = [];

    /// <summary>The stages that were asked for, in their order.</summary>
    public List<string> Asked { get; } = [];

    /// <summary>Whether it cannot be asked.</summary>
    public bool IsAway { get; set; }

    /// <summary>A version with a HubSpot token.</summary>
    public void Has(string stage, string version) => Has(stage, version, ("accesstoken", "token of " + version));

    /// <summary>A version with these parts.</summary>
    public void Has(string stage, string version, params (string Name, string Value)[] parts) => stages[stage] = new CrmSecret(version, parts.ToDictionary(p => p.Name, p => p.Value));

    /// <inheritdoc/>
    public Task<CrmSecret?> FindAsync(string name, string stage, CancellationToken cancellationToken)
    {
        lock (Asked)
            Asked.Add(stage);
        return IsAway ? throw new CrmUnavailableException(NotNowKind.Transient, "away") : Task.FromResult(stages.GetValueOrDefault(stage));
    }
}
