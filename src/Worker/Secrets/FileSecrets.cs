using LeadPipeline.Mcp.Crm.Http;

namespace LeadPipeline.Worker.Secrets;

/// <summary>A CRM's secret in mounted files, one for each part. They are small and few, so they are read at every use: a changed file counts at once, whatever the mount does with links and times.</summary>
/// <param name="directory">The folder.</param>
/// <param name="prefix">What the names of this CRM's files begin with: <c>HUBSPOT_</c>.</param>
/// <param name="settings">The parts that no file has.</param>
public sealed class FileSecrets(string directory, string prefix, Func<IReadOnlyDictionary<string, string?>> settings) : ICrmSecrets
{
    private readonly SettingSecrets inner = new(() => Read(directory, prefix, settings()));

    /// <inheritdoc/>
    public ValueTask<CrmSecret> GetAsync(CancellationToken cancellationToken) => inner.GetAsync(cancellationToken);

    /// <inheritdoc/>
    public bool Refused(CrmSecret secret) => false;

    private static Dictionary<string, string?> Read(string directory, string prefix, IReadOnlyDictionary<string, string?> settings)
    {
        var parts = settings.ToDictionary();
        if (!Directory.Exists(directory))
            return parts;
        foreach (var file in Directory.EnumerateFiles(directory, prefix + "*"))
        {
            try
            {
                parts[SecretParts.Name(Path.GetFileName(file))] = File.ReadAllText(file).Trim();
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // It is being exchanged; the part that is known elsewhere, or none, will be refused and asked for again.
            }
        }
        return parts;
    }
}
