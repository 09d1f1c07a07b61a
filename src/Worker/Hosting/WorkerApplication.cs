using System.Net;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Telemetry;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Hosting;

/// <summary>Builds the program in its forms: the service, and the same parts without HTTP for the command line.</summary>
public static class WorkerApplication
{
    /// <summary>Where the service listens when nobody says otherwise.</summary>
    public const string DefaultUrl = "http://127.0.0.1:8080";

    /// <summary>Settings from files, environment and command line, checked.</summary>
    /// <param name="settings">From the command line, as <c>Section:Key</c>; they win.</param>
    /// <exception cref="ConfigurationException">Something is wrong with them.</exception>
    public static IConfigurationRoot Configuration(IReadOnlyDictionary<string, string?> settings)
    {
        var environment = Environment.GetEnvironmentVariable("ASPNETCORE_ENVIRONMENT") ?? Environment.GetEnvironmentVariable("DOTNET_ENVIRONMENT") ?? "Production";
        var configuration = new ConfigurationBuilder()
            .SetBasePath(Directory.GetCurrentDirectory())
            .AddJsonFile("appsettings.json", optional: true)
            .AddJsonFile($"appsettings.{environment}.json", optional: true)
            .AddInMemoryCollection(PlainVariables.Read(Environment.GetEnvironmentVariable))
            .AddEnvironmentVariables()
            .AddInMemoryCollection(settings)
            .Build();
        ConfigurationCheck.Run(configuration);
        return configuration;
    }

    /// <summary>The service: consumers and HTTP.</summary>
    public static WebApplication Service(IReadOnlyDictionary<string, string?> settings, string[] hostArgs)
    {
        var configuration = Configuration(settings);
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = hostArgs });
        builder.Configuration.AddConfiguration(configuration);
        Logging(builder.Logging, LogLevel.Information);
        builder.WebHost.UseUrls(Url(builder.Configuration));
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        builder.Services.AddPipeline(configuration, builder.Environment.EnvironmentName, builder.Environment.ContentRootPath);
        builder.Services.AddSingleton<LeadQueries>();
        builder.Services.AddSingleton<BearerTokens>();
        builder.Services.AddAuthentication(BearerHandler.Scheme).AddScheme<AuthenticationSchemeOptions, BearerHandler>(BearerHandler.Scheme, null);
        // Higher roles do not imply lower ones, except the administrator's.
        builder.Services.AddAuthorizationBuilder().AddPolicy(Access.Reader, policy => policy.RequireRole("user", "admin"))
            .AddPolicy(Access.Operator, policy => policy.RequireRole("operator", "admin"))
            .AddPolicy(Access.Administrator, policy => policy.RequireRole("admin"));
        builder.Services.AddDoorLimit();
        builder.Services.AddTelemetry(configuration);
        // The consumers get their time to finish, and the host a little more.
        builder.Services.AddOptions<HostOptions>().Configure<IOptions<Messaging.MessagingOptions>>((host, messaging) => host.ShutdownTimeout = messaging.Value.StopTimeout + TimeSpan.FromSeconds(4));

        var app = builder.Build();
        app.UseProblems();
        app.UseAuthentication();
        app.UseAuthorization();
        app.UseRateLimiter();
        app.MapLeadDoor();
        app.MapReading();
        app.MapOperating();
        app.MapAdministration();
        app.MapHealth();
        app.MapMetrics();
        RefuseOpenDoor(app);
        return app;
    }

    /// <summary>The pipeline without HTTP.</summary>
    public static IHost Pipeline(IReadOnlyDictionary<string, string?> settings, bool quiet)
    {
        var configuration = Configuration(settings);
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ContentRootPath = Directory.GetCurrentDirectory() });
        builder.Configuration.AddConfiguration(configuration);
        Logging(builder.Logging, quiet ? LogLevel.Error : LogLevel.Information);
        builder.Services.AddPipeline(configuration, builder.Environment.EnvironmentName, builder.Environment.ContentRootPath);
        builder.Services.AddSingleton<LeadQueries>();
        return builder.Build();
    }

    /// <summary>Only the database, to look at.</summary>
    public static IHost Reader(IReadOnlyDictionary<string, string?> settings)
    {
        var configuration = Configuration(settings);
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ContentRootPath = Directory.GetCurrentDirectory() });
        builder.Configuration.AddConfiguration(configuration);
        Logging(builder.Logging, LogLevel.Warning);
        builder.Services.AddStorage(configuration);
        builder.Services.AddSingleton<LeadQueries>();
        return builder.Build();
    }

    private static void Logging(ILoggingBuilder logging, LogLevel level)
    {
        logging.ClearProviders();
        logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
            console.UseUtcTimestamp = true;
        });
        // Standard output belongs to results.
        logging.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        logging.SetMinimumLevel(level);
        logging.AddFilter("Microsoft", LogLevel.Warning);
        logging.AddFilter("Microsoft.Hosting.Lifetime", level);
        // Why the host did not start is the program's last word; a stack trace before it only hides it. A service that breaks later is critical.
        logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical);
        // On a new database the first look for applied migrations fails by design and is logged as an error.
        logging.AddFilter("Microsoft.EntityFrameworkCore.Database.Command", LogLevel.None);
        logging.AddFilter("Microsoft.AspNetCore.DataProtection", LogLevel.Error);
        logging.AddFilter("MassTransit", LogLevel.Warning);
        logging.AddFilter("System.Net.Http", LogLevel.Warning);
    }

    private static string[] Url(IConfiguration configuration) =>
        (configuration["urls"] ?? configuration["Http:Url"] ?? DefaultUrl).Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static void RefuseOpenDoor(WebApplication app)
    {
        if (app.Services.GetRequiredService<IOptions<AuthOptions>>().Value.Tokens.Count > 0)
            return;
        foreach (var url in Url(app.Configuration))
        {
            if (!Uri.TryCreate(url.Replace("*", "0.0.0.0", StringComparison.Ordinal).Replace("+", "0.0.0.0", StringComparison.Ordinal), UriKind.Absolute, out var uri))
                throw new ConfigurationException($"Http:Url: '{url}' is not an address; write http://host:port");
            var loopback = uri.Host == "localhost" || (IPAddress.TryParse(uri.Host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));
            if (!loopback)
                throw new ConfigurationException($"Http:Url: '{url}' is reachable from other machines, and nobody is told apart; set Auth:Tokens, or listen on 127.0.0.1");
        }
    }
}
