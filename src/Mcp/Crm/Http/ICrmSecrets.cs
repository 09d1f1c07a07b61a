namespace LeadPipeline.Mcp.Crm.Http;

/// <summary>What lets us into a CRM, as it was kept at one time.</summary>
/// <param name="Version">Tells it from the one before and after; no part of the secret.</param>
/// <param name="Values">The parts by name, lower case without separators: <c>accesstoken</c>, <c>clientid</c>, <c>clientsecret</c>, …</param>
public sealed record CrmSecret(string Version, IReadOnlyDictionary<string, string> Values)
{
    /// <summary>A part; null when it is not there or empty.</summary>
    public string? this[string name] => Values.TryGetValue(name, out var value) && value.Length > 0 ? value : null;

    /// <summary>Without the values.</summary>
    public override string ToString() => Version;
}

/// <summary>Where a CRM's secret is kept: settings, mounted files, a secrets manager.</summary>
public interface ICrmSecrets
{
    /// <summary>The secret in force; the same object for as long as it is the same secret.</summary>
    /// <exception cref="CrmUnavailableException">It cannot be had now.</exception>
    ValueTask<CrmSecret> GetAsync(CancellationToken cancellationToken);

    /// <summary>The CRM has refused it.</summary>
    /// <returns>Whether the next <see cref="GetAsync"/> may answer another one.</returns>
    bool Refused(CrmSecret secret);
}

/// <summary>A secret that lies somewhere in this process and may be exchanged there: a setting.</summary>
/// <param name="values">The parts as they are now; null: not there.</param>
public sealed class SettingSecrets(Func<IReadOnlyDictionary<string, string?>> values) : ICrmSecrets
{
    private volatile CrmSecret? last;

    /// <summary>A secret of one part.</summary>
    public SettingSecrets(string name, Func<string?> value)
        : this(() => new Dictionary<string, string?> { [name] = value() })
    {
    }

    /// <inheritdoc/>
    public ValueTask<CrmSecret> GetAsync(CancellationToken cancellationToken)
    {
        var now = values().Where(v => !string.IsNullOrEmpty(v.Value)).ToDictionary(v => v.Key, v => v.Value!);
        if (last is { } known && known.Values.Count == now.Count && now.All(v => known[v.Key] == v.Value))
            return new(known);
        return new(last = new CrmSecret("settings", now));
    }

    /// <inheritdoc/>
    public bool Refused(CrmSecret secret) => false;
}
