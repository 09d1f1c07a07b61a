using LeadPipeline.Worker.DeadLetters;
using LeadPipeline.Worker.Http;
using LeadPipeline.Worker.Http.OpenApi;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Intake.Forms;
using LeadPipeline.Worker.Intake.Webhooks;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.OpsConsole;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Telemetry;
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
        var addresses = ListenAddresses.Of(builder.Configuration);
        var auth = configuration.GetSection(AuthOptions.Section).Get<AuthOptions>() ?? new AuthOptions();
        if (!auth.KnowsAnyone)
            addresses.RefuseAllButLoopback();
        builder.WebHost.UseUrls([.. addresses.Urls]);
        builder.Services.AddPipeline(configuration, builder.Environment.EnvironmentName, builder.Environment.ContentRootPath);
        builder.Services.AddHostedService<ReplayJobs>();
        builder.Services.AddHttpLimits();
        builder.Services.AddAuth(auth);
        builder.Services.AddOpsConsole();
        builder.Services.AddDoorLimit();
        builder.Services.AddTelemetry(configuration);
        // The consumers get their time to finish, and the host a little more.
        builder.Services.AddOptions<HostOptions>().Configure<IOptions<Messaging.MessagingOptions>>((host, messaging) => host.ShutdownTimeout = messaging.Value.StopTimeout + TimeSpan.FromSeconds(4));

        var app = builder.Build();
        app.UseSecurityHeaders();
        app.UseProblems();
        app.UseHostCheck();
        app.UseSiteCheck();
        app.UseBodyLimit();
        app.UseOpsConsole();
        app.UseAuthentication();
        // Counted before it is judged who may do what, so that guessing is limited as well.
        app.UseDoorLimit();
        app.UseAuthorization();
        app.MapLeadDoor();
        app.MapWebhooks();
        app.MapForms();
        app.MapReading();
        app.MapOperating();
        app.MapDeadLetters();
        app.MapReviews();
        app.MapAdministration();
        app.MapApprovals();
        app.MapOpsConsole();
        app.MapHealth();
        app.MapMetrics();
        app.MapOpenApi();
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
        return builder.Build();
    }

    /// <summary>The database, the analyzer and the policy, and nothing that could call a CRM.</summary>
    public static IHost Rehearsal(IReadOnlyDictionary<string, string?> settings)
    {
        var configuration = Configuration(settings);
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ContentRootPath = Directory.GetCurrentDirectory() });
        builder.Configuration.AddConfiguration(configuration);
        Logging(builder.Logging, LogLevel.Warning);
        builder.Services.AddRehearsal(configuration, builder.Environment.EnvironmentName, builder.Environment.ContentRootPath);
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
}
