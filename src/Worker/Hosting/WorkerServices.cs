using System.Globalization;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.HubSpot;
using LeadPipeline.Mcp.Crm.Mock;
using LeadPipeline.Mcp.Crm.Salesforce;
using LeadPipeline.Mcp.Execution;
using LeadPipeline.Mcp.Guards;
using LeadPipeline.Mcp.Registry;
using LeadPipeline.Worker.Analysis;
using LeadPipeline.Worker.Analysis.Gemini;
using LeadPipeline.Worker.Approvals;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.DeadLetters;
using LeadPipeline.Worker.Evidence;
using LeadPipeline.Worker.Execution;
using LeadPipeline.Worker.Grounding;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Intake.Webhooks;
using LeadPipeline.Worker.Intake.Webhooks.Deferred;
using LeadPipeline.Worker.Messaging;
using LeadPipeline.Worker.Messaging.RabbitMq;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.Planning;
using LeadPipeline.Worker.Privacy;
using LeadPipeline.Worker.Retention;
using LeadPipeline.Worker.Reviews;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Secrets;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.MockCrm;
using LeadPipeline.Worker.Storage.Sql;
using LeadPipeline.Worker.WhatIf;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;

namespace LeadPipeline.Worker.Hosting;

/// <summary>What the parts are made of. The stages in order: intake, analysis (with grounding and planning), execution.</summary>
public static class WorkerServices
{
    /// <summary>Everything that works on leads and waits for them.</summary>
    public static void AddPipeline(this IServiceCollection services, IConfiguration configuration, string environment, string contentRoot)
    {
        services.AddStorage(configuration);
        services.AddCrm();

        services.AddIntake(contentRoot);
        services.AddAnalysis(environment, contentRoot);
        services.AddExecution();

        services.AddMessaging(configuration);
    }

    /// <summary>What is needed to think about leads without doing anything: records, analyzer, grounding, policy. No provider of a CRM is among it.</summary>
    public static void AddRehearsal(this IServiceCollection services, IConfiguration configuration, string environment, string contentRoot)
    {
        services.AddStorage(configuration);
        services.AddJudging(environment, contentRoot);
        services.AddSingleton<IRateLimiter, RateLimiter>();
        services.AddSingleton<ICrm, NoCrm>();
    }

    /// <summary>The database and what is kept in it.</summary>
    public static void AddStorage(this IServiceCollection services, IConfiguration configuration)
    {
        foreach (var (section, type) in ConfigurationCheck.Sections)
            Bind(services, section, type);
        services.AddSingleton(TimeProvider.System);

        var connections = configuration.GetSection(ConnectionStringOptions.Section).Get<ConnectionStringOptions>() ?? new ConnectionStringOptions();
        var data = configuration.GetSection(DataOptions.Section).Get<DataOptions>() ?? new DataOptions();
        if (!string.IsNullOrWhiteSpace(connections.Database))
            services.AddPostgres(Address(connections.Database));
        else if (!string.IsNullOrWhiteSpace(connections.Broker))
            throw new ConfigurationException("ConnectionStrings:Broker is set without ConnectionStrings:Database; a broker needs a PostgreSQL database beside it");
        else
            services.AddSqlite(data.Directory);

        services.AddSingleton(sp => Cipher(sp.GetRequiredService<IOptions<EncryptionOptions>>().Value, sp.GetRequiredService<IOptions<DataOptions>>().Value.Directory));
        services.AddSingleton(sp => new Redactor(sp.GetRequiredService<IOptions<PrivacyOptions>>().Value, Convert.FromHexString(sp.GetRequiredService<LeadCipher>().Fingerprint)));
        services.AddSingleton<KeyRewrapping>();
        services.AddSingleton<LeadCommitter>();
        services.AddSingleton(sp => new LeadStore(
            sp.GetRequiredService<SqlDatabase>(), sp.GetRequiredService<LeadCommitter>(), sp.GetRequiredService<LeadCipher>(), sp.GetRequiredService<IAuditSink>(), sp.GetRequiredService<TimeProvider>())
        {
            ResendAfter = sp.GetRequiredService<IOptions<MessagingOptions>>().Value.ResendAfter,
        });
        services.AddGrounding();
        services.AddSingleton(ToolRegistry.Default());
        services.AddSingleton<ApprovalRequests>();
        services.AddSingleton(sp => new ApprovalStore(
            sp.GetRequiredService<SqlDatabase>(), sp.GetRequiredService<LeadStore>(), sp.GetRequiredService<LeadCipher>(), sp.GetRequiredService<TimeProvider>(),
            sp.GetRequiredService<IOptions<ApprovalOptions>>().Value.ExpireAfter));
        services.AddSingleton<LeadOperations>();
        services.AddSingleton<PersonalDataViews>();
        services.AddSingleton<DeadLetterStore>();
        services.AddSingleton<RecordedRuns>();
        services.AddSingleton<LeadViews>();
        services.AddSingleton<LeadQueries>();
        services.AddSingleton<DeadLetterActs>();
        services.AddSingleton<ReplayJobStore>();
        services.AddSingleton<ReviewOperations>();
        services.AddSingleton<ReviewViews>();
        if (!string.IsNullOrWhiteSpace(connections.Broker))
            services.AddSingleton<IMessageReturn>(sp => new RabbitMqReturn(Broker(connections.Broker), sp.GetRequiredService<IOptions<MessagingOptions>>(), sp.GetRequiredService<TimeProvider>()));
        services.AddSingleton(sp => new DeadLetterOperations(
            sp.GetRequiredService<DeadLetterStore>(), sp.GetRequiredService<DeadLetterActs>(), sp.GetRequiredService<LeadStore>(), sp.GetRequiredService<LeadOperations>(), sp.GetRequiredService<TimeProvider>(),
            sp.GetRequiredService<ILogger<DeadLetterOperations>>(), sp.GetService<IMessageReturn>(), sp.GetRequiredService<DeferredEventStore>()));
        services.AddSingleton(sp => new DeadLetterEditing(
            sp.GetRequiredService<DeadLetterStore>(), sp.GetRequiredService<DeadLetterActs>(), sp.GetRequiredService<SqlDatabase>(), sp.GetRequiredService<LeadCipher>(), sp.GetRequiredService<TimeProvider>(),
            sp.GetService<IMessageReturn>()));
        services.AddSingleton<DeferredEventStore>();
        services.AddSingleton<CompanyDirectory>();
        services.AddSingleton<CompanyFile>();
        services.AddSingleton<MockCrmStore>();
        services.AddSingleton(sp => new AuditPublisher(
            sp.GetRequiredService<SqlDatabase>(), sp.GetRequiredService<LeadCipher>(), sp.GetService<IAuditExchange>(), sp.GetRequiredService<ILogger<AuditPublisher>>()));
        services.AddSingleton<IAuditSink>(sp => sp.GetRequiredService<AuditPublisher>());
        services.AddSingleton<DatabaseStart>();
    }

    private static void AddSqlite(this IServiceCollection services, string directory)
    {
        Directory.CreateDirectory(directory);
        var connection = $"Data Source={Path.Combine(directory, "leadpipeline.db")};Default Timeout=20";
        services.AddSingleton<SqlDatabase>(_ => new SqliteDatabase(connection));
        services.AddSingleton<IDbContextFactory<LeadDb>>(sp => new LeadDbFactory(o => o.UseSqlite(connection), sp));
        services.AddSingleton<WorkerIdentity, OnlyWorker>();
    }

    private static void AddPostgres(this IServiceCollection services, string connection)
    {
        var settings = new NpgsqlConnectionStringBuilder(connection) { ApplicationName = "leadpipeline" };
        // The hot statements are few and always the same: prepared once a connection, they are not parsed again.
        settings.MaxAutoPrepare = 128;
        settings.AutoPrepareMinUsages = 2;
        // Nothing that a pooled connection's user does outlives its transaction, and undoing nothing was every fourth statement.
        settings.NoResetOnClose = true;
        services.AddSingleton(_ => NpgsqlDataSource.Create(settings.ConnectionString));
        services.AddSingleton<PostgresDatabase>(sp => new PostgresDatabase(sp.GetRequiredService<NpgsqlDataSource>(), settings.ConnectionString));
        services.AddSingleton<SqlDatabase>(sp => sp.GetRequiredService<PostgresDatabase>());
        services.AddSingleton<IDbContextFactory<LeadDb>>(sp => new LeadDbFactory(o => o.UseNpgsql(sp.GetRequiredService<NpgsqlDataSource>()), sp));
        services.AddSingleton<WorkerIdentity, PostgresWorkers>();
    }

    private static void AddCrm(this IServiceCollection services)
    {
        services.AddSecrets();
        services.AddSalesforce();
        services.AddHubSpot();
        services.AddSingleton<ICrm>(sp => sp.GetRequiredService<GuardedCrm>());
        services.AddSingleton<CrmHealth>();
        services.AddSingleton(sp =>
        {
            var crm = sp.GetRequiredService<IOptions<CrmOptions>>().Value;
            var (retry, breaker) = (sp.GetRequiredService<IOptions<RetryOptions>>().Value, sp.GetRequiredService<IOptions<BreakerOptions>>().Value);
            var settings = new CrmGuardSettings
            {
                CallTimeout = crm.CallTimeout,
                Attempts = retry.Attempts,
                BaseDelay = retry.BaseDelay,
                MaxDelay = retry.MaxDelay,
                FailureRatio = breaker.FailureRatio,
                MinimumThroughput = breaker.MinimumThroughput,
                Window = breaker.Window,
                BreakDuration = breaker.BreakDuration,
            };
            var time = sp.GetRequiredService<TimeProvider>();
            return crm.Provider switch
            {
                CrmProviderKind.Salesforce => new GuardedCrm(sp.GetRequiredService<SalesforceCrm>(), SalesforceRegistration.Guards(settings, sp.GetRequiredService<IOptions<SalesforceOptions>>().Value), time),
                CrmProviderKind.HubSpot => new GuardedCrm(sp.GetRequiredService<HubSpotCrm>(), settings with { CallTimeout = HubSpotRegistration.AllCalls }, time),
                _ => new GuardedCrm(Mock(sp, time), settings, time),
            };
        });
    }

    private static MockCrm Mock(IServiceProvider services, TimeProvider time)
    {
        var options = services.GetRequiredService<IOptions<MockOptions>>().Value;
        MockFaults faults;
        try
        {
            faults = MockFaults.Parse(options.Faults);
        }
        catch (FormatException exception)
        {
            throw new ConfigurationException($"Mock:Faults: {exception.Message}");
        }
#pragma warning disable CA5394 // A delay, not a secret.
        Func<TimeSpan> latency = options.Latency switch
        {
            null or "" => () => TimeSpan.Zero,
            var text when text.Equals("realistic", StringComparison.OrdinalIgnoreCase) => () => TimeSpan.FromMilliseconds(Random.Shared.Next(100, 401)),
            var text when TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var fixedDelay) && fixedDelay >= TimeSpan.Zero => () => fixedDelay,
            var text => throw new ConfigurationException($"Mock:Latency: '{text}' is not allowed; write realistic or a duration hh:mm:ss"),
        };
#pragma warning restore CA5394
        return new MockCrm(services.GetRequiredService<MockCrmStore>(), faults, latency, time);
    }

    private static void AddIntake(this IServiceCollection services, string contentRoot)
    {
        services.AddSingleton<KeyDirectory>();
        services.AddSingleton<IntakeHandler>();
        services.AddSingleton<LeadDoor>();
        services.AddSingleton(sp => new WebhookSources(sp.GetRequiredService<IOptions<WebhookOptions>>().Value, contentRoot, sp.GetRequiredService<TimeProvider>()));
    }

    private static void AddAnalysis(this IServiceCollection services, string environment, string contentRoot)
    {
        services.AddJudging(environment, contentRoot);
        services.AddEnrichment();
        services.AddSingleton(sp => new EarlierRuns(sp.GetRequiredService<LeadStore>(), sp.GetRequiredService<ICrm>(), sp.GetRequiredService<ToolRegistry>(), sp.GetRequiredService<IOptions<CrmOptions>>().Value.SettleTimeInForce));
        services.AddSingleton<AnalyzeLeadHandler>();
    }

    private static void AddJudging(this IServiceCollection services, string environment, string contentRoot)
    {
        services.AddGemini();
        services.AddSingleton<IAnalyzer>(sp => sp.GetRequiredService<IOptions<AnalysisOptions>>().Value.Analyzer == AnalyzerKind.Gemini
            ? sp.GetRequiredService<GeminiAnalyzer>()
            : new RulesAnalyzer());
        services.AddSingleton(sp =>
        {
            var options = sp.GetRequiredService<IOptions<PolicyOptions>>().Value;
            var tools = sp.GetRequiredService<ToolRegistry>();
            try
            {
                var policy = PolicyLoader.Load(options, environment, contentRoot, tools);
                return new PolicyInForce(policy, tools, options.ToPlanning() with { ProviderTimesToLive = sp.GetRequiredService<GroundingRules>().ProviderTimesToLive });
            }
            catch (PolicyException exception)
            {
                throw new ConfigurationException(exception.Faults);
            }
        });
    }

    private static void AddExecution(this IServiceCollection services)
    {
        services.AddSingleton(sp =>
        {
            var (retry, deferral, crm) = (sp.GetRequiredService<IOptions<RetryOptions>>().Value, sp.GetRequiredService<IOptions<DeferralOptions>>().Value, sp.GetRequiredService<IOptions<CrmOptions>>().Value);
            var settings = new InPlaceRetry { Attempts = retry.Attempts, BaseDelay = retry.BaseDelay, MaxDelay = retry.MaxDelay, NonCriticalMaxAge = deferral.NonCriticalMaxAge, SettleTime = crm.SettleTimeInForce };
            return new PlanExecutor(sp.GetRequiredService<ToolRegistry>(), sp.GetRequiredService<ICrm>(), sp.GetRequiredService<TimeProvider>(), settings, sp.GetRequiredService<LeadCipher>().RecordKey);
        });
        services.AddSingleton<IRateLimiter, RateLimiter>();
        services.AddSingleton(sp => new PlanAdmission(
            sp.GetRequiredService<IRateLimiter>(),
            sp.GetRequiredService<IOptions<RateLimitOptions>>().Value.InForce(sp.GetRequiredService<IOptions<CrmOptions>>().Value.Provider),
            sp.GetRequiredService<LeadCipher>().RecordKey,
            sp.GetRequiredService<IOptions<CrmOptions>>().Value.Provider == CrmProviderKind.Salesforce ? sp.GetRequiredService<SalesforceCrm>().Quota : null,
            sp.GetRequiredService<TimeProvider>(),
            sp.GetRequiredService<ILogger<PlanAdmission>>()));
        services.AddSingleton<ExecutionServices>();
        services.AddSingleton<ExecutePlanHandler>();
        services.AddHostedService<ApprovalExpiry>();
    }

    private static void AddMessaging(this IServiceCollection services, IConfiguration configuration)
    {
        var connections = configuration.GetSection(ConnectionStringOptions.Section).Get<ConnectionStringOptions>() ?? new ConnectionStringOptions();
        services.AddSingleton(sp =>
        {
            var messaging = sp.GetRequiredService<IOptions<MessagingOptions>>().Value;
            // The embedded queue may be full when its own workers come with the next command, which then waits for the sweeper: each of them needs a seat.
            var seats = string.IsNullOrWhiteSpace(connections.Broker) && messaging.HandOver > 0 ? Math.Max(messaging.HandOver, messaging.EmbeddedConcurrency) : messaging.HandOver;
            return new StageRoom(seats, seats);
        });
        services.AddSingleton<LeadGate>();
        services.AddSingleton<StageRunner>();
        services.AddSingleton<StageFailures>();
        services.AddSingleton<Retrying>();
        services.AddHostedService<PipelineStart>();
        var consume = (configuration.GetSection(MessagingOptions.Section).Get<MessagingOptions>() ?? new MessagingOptions()).Consume;
        if (string.IsNullOrWhiteSpace(connections.Broker))
        {
            if (!consume)
                throw new ConfigurationException("Messaging:Consume is false without ConnectionStrings:Broker; a worker that only takes leads in needs a broker, and others that work on them");
            services.AddSingleton<InProcessBus>();
            services.AddSingleton<ILeadBus>(sp => sp.GetRequiredService<InProcessBus>());
            services.AddHostedService(sp => sp.GetRequiredService<InProcessBus>());
        }
        else
        {
            services.AddSingleton<IAuditExchange, RabbitMqAuditExchange>();
            services.AddRabbitMqMessaging(Broker(connections.Broker), consume);
        }
        services.AddHostedService(sp => sp.GetRequiredService<AuditPublisher>());
        // A door alone would only send again, on and on, what nobody takes.
        if (consume)
            services.AddHostedService<LeadSweeper>();
        services.AddHostedService<DeferredEventReader>();
        services.AddSingleton<RetentionRun>();
        services.AddHostedService<RetentionJob>();
    }

    private static LeadCipher Cipher(EncryptionOptions options, string directory)
    {
        try
        {
            return new LeadCipher(MasterKeys.Load(options, directory), MasterKeys.Others(options));
        }
        catch (FormatException exception)
        {
            throw new ConfigurationException(exception.Message);
        }
    }

    private static string Address(string text)
    {
        try
        {
            return PostgresAddress.Parse(text);
        }
        catch (FormatException exception)
        {
            throw new ConfigurationException($"ConnectionStrings:Database: the value {exception.Message}");
        }
    }

    private static BrokerAddress Broker(string text)
    {
        try
        {
            return BrokerAddress.Parse(text);
        }
        catch (FormatException exception)
        {
            throw new ConfigurationException($"ConnectionStrings:Broker: the value {exception.Message}");
        }
    }

    private static void Bind(IServiceCollection services, string section, Type type) =>
        typeof(WorkerServices).GetMethod(nameof(BindOne), System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Static)!.MakeGenericMethod(type).Invoke(null, [services, section]);

    private static void BindOne<T>(IServiceCollection services, string section)
        where T : class => services.AddOptions<T>().BindConfiguration(section).ValidateDataAnnotations();
}
