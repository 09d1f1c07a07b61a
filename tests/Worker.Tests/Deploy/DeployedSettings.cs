using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Ops;
using Microsoft.Extensions.Configuration;

namespace LeadPipeline.Worker.Tests.Deploy;

/// <summary>What the program makes of the environment that a manifest gives to it.</summary>
internal static class DeployedSettings
{
    /// <summary>Read in place of <c>appsettings.json</c>'s companions, by the host itself.</summary>
    private static readonly string[] OfTheHost = ["ASPNETCORE_ENVIRONMENT", "ASPNETCORE_HTTP_PORTS", "DOTNET_EnableDiagnostics"];

    /// <summary>The settings, checked as at a start.</summary>
    /// <exception cref="ConfigurationException">The program would end with 78.</exception>
    public static IConfiguration Check(IReadOnlyDictionary<string, string> environment)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(PlainVariables.Read(name => environment.GetValueOrDefault(name)))
            .AddInMemoryCollection(environment.Select(e => KeyValuePair.Create(e.Key.Replace("__", ":", StringComparison.Ordinal), (string?)e.Value)))
            .Build();
        ConfigurationCheck.Run(configuration);
        return configuration;
    }

    /// <summary>Variables that nothing reads: a misspelt section would not be noticed at the start.</summary>
    public static IEnumerable<string> Unread(IEnumerable<string> variables) => variables.Where(v =>
        !OfTheHost.Contains(v) && PlainVariables.Read(name => name == v ? "1000" : null).Count == 0
        && !ConfigurationCheck.Sections.Any(s => v.StartsWith(s.Section.Replace(":", "__", StringComparison.Ordinal) + "__", StringComparison.OrdinalIgnoreCase)));

    /// <summary>Whether callers from elsewhere can be told apart, without which the service would not listen to them.</summary>
    public static bool KnowsItsCallers(IConfiguration configuration) =>
        (configuration.GetSection(AuthOptions.Section).Get<AuthOptions>() ?? new AuthOptions()).KnowsAnyone;
}
