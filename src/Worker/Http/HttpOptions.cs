using System.ComponentModel.DataAnnotations;

namespace LeadPipeline.Worker.Http;

/// <summary>The HTTP surface.</summary>
public sealed class HttpOptions : IValidatableObject
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Http";

    /// <summary>Addresses to listen on, separated by semicolons; only loopback unless <c>Auth</c> says who may call. Default <c>http://127.0.0.1:8080</c>.</summary>
    public string? Url { get; set; }

    /// <summary>Names under which callers may reach the service (the <c>Host</c> header), beside loopback, the names in <see cref="Url"/> and the address of the connection; <c>*.example.com</c> takes every name below. Default none: then a service that listens on all addresses takes any name from other machines.</summary>
    public IList<string> AllowedHosts { get; } = new List<string>();

    /// <summary>Connections open at once; more are closed unheard. Default 2,000. Allowed: 1 to 1,000,000.</summary>
    [Range(1, 1_000_000)]
    public int MaxConnections { get; set; } = 2_000;

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        for (var i = 0; i < AllowedHosts.Count; i++)
        {
            var name = AllowedHosts[i] ?? "";
            if (Uri.CheckHostName(name.StartsWith("*.", StringComparison.Ordinal) ? name[2..] : name) == UriHostNameType.Unknown)
                yield return new ValidationResult("write a host name without scheme and port, for example leads.example.com or *.example.com", [$"{nameof(AllowedHosts)}:{i}"]);
        }
    }
}
