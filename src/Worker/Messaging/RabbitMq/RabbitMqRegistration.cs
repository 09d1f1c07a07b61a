using LeadPipeline.Contracts;
using MassTransit;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;

namespace LeadPipeline.Worker.Messaging.RabbitMq;

/// <summary>The broker's queues and their consumers.</summary>
public static class RabbitMqRegistration
{
    /// <summary>Where leads arrive.</summary>
    public const string IntakeQueue = "lead-intake";

    /// <summary>Commands to analyse.</summary>
    public const string AnalysisQueue = "lead-analysis";

    /// <summary>Commands to execute.</summary>
    public const string ExecutionQueue = "lead-execution";

    /// <summary>All that this worker consumes.</summary>
    public static readonly IReadOnlyList<string> Queues = [IntakeQueue, AnalysisQueue, ExecutionQueue];

    /// <summary>Adds sending to the queues, and consuming them through MassTransit.</summary>
    /// <param name="services">The services.</param>
    /// <param name="broker">The broker.</param>
    /// <param name="consume">Whether this worker works on leads; false: it only sends.</param>
    public static void AddRabbitMqMessaging(this IServiceCollection services, BrokerAddress broker, bool consume)
    {
        services.AddSingleton(broker);
        services.AddSingleton<IntakeBacklog>();
        services.AddHostedService(sp => sp.GetRequiredService<IntakeBacklog>());
        services.AddSingleton<ILeadBus, RabbitMqBus>();
        services.AddSingleton<LeadConsumers>();
        services.AddSingleton(sp => new ConsumingBus(broker, () => Bus(sp, broker), sp.GetRequiredService<IOptions<MessagingOptions>>(), sp.GetRequiredService<ILogger<ConsumingBus>>()));
        services.AddHostedService(sp => sp.GetRequiredService<ConsumingBus>());
        if (consume)
            services.AddHostedService<ErrorQueueCollector>();
    }

    private static IBusControl Bus(IServiceProvider services, BrokerAddress broker)
    {
        LogContext.ConfigureCurrentLogContext(services.GetRequiredService<ILoggerFactory>());
        var options = services.GetRequiredService<IOptions<MessagingOptions>>().Value;
        var consumers = services.GetRequiredService<LeadConsumers>();
        return MassTransit.Bus.Factory.CreateUsingRabbitMq(bus =>
        {
            bus.Host(broker.Host, broker.Port, broker.VirtualHost, host =>
            {
                host.Username(broker.Username);
                host.Password(broker.Password);
                if (broker.UseTls)
                    host.UseSsl();
            });
            bus.ReceiveEndpoint(IntakeQueue, e =>
            {
                Queue(e, options);
                e.AddDeserializer(new PlainLeadSerializerFactory(), isDefault: true);
                e.Handler<LeadSubmitted>(consumers.TakeInAsync);
            });
            bus.ReceiveEndpoint(AnalysisQueue, e =>
            {
                Queue(e, options);
                e.Handler<AnalyzeLead>(consumers.AnalyzeAsync);
            });
            bus.ReceiveEndpoint(ExecutionQueue, e =>
            {
                Queue(e, options);
                e.Handler<ExecutePlan>(consumers.ExecuteAsync);
            });
        });
    }

    private static void Queue(IRabbitMqReceiveEndpointConfigurator endpoint, MessagingOptions options)
    {
        endpoint.SetQuorumQueue();
        endpoint.PrefetchCount = options.PrefetchCount;
        // Commands go to one queue each; nothing is published by type.
        endpoint.ConfigureConsumeTopology = false;
        endpoint.PublishFaults = false;
    }
}

/// <summary>Where the broker is, read from <c>amqp://user:password@host:port/vhost</c>.</summary>
public sealed record BrokerAddress(string Host, ushort Port, string VirtualHost, string Username, string Password, bool UseTls)
{
    /// <summary>Reads an address.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static BrokerAddress Parse(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Scheme is not ("amqp" or "amqps" or "rabbitmq"))
            throw new FormatException("is not a broker address; write amqp://user:password@host:5672/vhost");
        var user = uri.UserInfo.Split(':', 2);
        var path = Uri.UnescapeDataString(uri.AbsolutePath.TrimStart('/'));
        var tls = uri.Scheme == "amqps";
        return new BrokerAddress(
            uri.Host,
            (ushort)(uri.IsDefaultPort || uri.Port <= 0 ? tls ? 5671 : 5672 : uri.Port),
            path.Length == 0 ? "/" : path,
            user[0].Length > 0 ? Uri.UnescapeDataString(user[0]) : "guest",
            user.Length > 1 ? Uri.UnescapeDataString(user[1]) : "guest",
            tls);
    }

    /// <summary>Makes connections of the plain client, which whoever opens one closes and opens again himself.</summary>
    public ConnectionFactory Factory(string name) => new()
    {
        HostName = Host,
        Port = Port,
        VirtualHost = VirtualHost,
        UserName = Username,
        Password = Password,
        ClientProvidedName = name,
        AutomaticRecoveryEnabled = false,
        RequestedHeartbeat = TimeSpan.FromSeconds(15),
        Ssl = new SslOption { Enabled = UseTls, ServerName = Host },
    };

    /// <summary>Without the password.</summary>
    public override string ToString() => $"{Host}:{Port}{(VirtualHost == "/" ? "/" : "/" + VirtualHost)}";
}
