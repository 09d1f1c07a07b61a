using FsCheck;
using LeadPipeline.Worker.Evidence.Http;

namespace LeadPipeline.Worker.Tests.Evidence.Http;

public sealed class UrlTemplateTests
{
    [TestCase("https://{domain}/find", "path or in the query only")]
    [TestCase("https://api.{domain}.example/find", "path or in the query only")]
    [TestCase("https://api.example:{domain}/find", "no http or https address")]
    [TestCase("https://{email}@api.example/find", "credentials do not belong")]
    [TestCase("https://user:secret@api.example/find?d={domain}", "credentials do not belong")]
    [TestCase("https://api.example{domain}/find", "path or in the query only")]
    [TestCase("{domain}", "no http or https address")]
    [TestCase("ftp://api.example/{domain}", "no http or https address")]
    [TestCase("file:///etc/{domain}", "no http or https address")]
    [TestCase("/find?d={domain}", "no http or https address")]
    [TestCase("https://api.example/find", "names no value of the lead")]
    [TestCase("https://api.example/find?d={phone}", "there is no {phone}")]
    [TestCase("https://api.example/find?d={domain", "names no value of the lead")]
    [TestCase("https://api.example/{x}/{domain}", "there is no {x}")]
    [TestCase("https://api.example/{{domain}}", "a brace")]
    [TestCase("https://api.example/find#{domain}", "never sent")]
    public void Should_refuse_what_lets_a_lead_choose_or_says_nothing(string template, string words) =>
        Assert.That(() => UrlTemplate.Parse(template), Throws.TypeOf<FormatException>().With.Message.Contains(words));

    [TestCase("https://api.example/find?domain={domain}", "acme.com", "https://api.example/find?domain=acme.com")]
    [TestCase("https://api.example/c/{domain}/profile", "acme.com", "https://api.example/c/acme.com/profile")]
    [TestCase("https://api.example?d={domain}", "acme.com", "https://api.example/?d=acme.com")]
    [TestCase("https://api.example/c/{domain}", "a/b", "https://api.example/c/a%2Fb")]
    [TestCase("https://api.example/c/{domain}", "@evil.example", "https://api.example/c/%40evil.example")]
    [TestCase("https://api.example/find?d={domain}", "a&key=b", "https://api.example/find?d=a%26key%3Db")]
    [TestCase("https://api.example/find?d={domain}", "a#b?c", "https://api.example/find?d=a%23b%3Fc")]
    [TestCase("https://api.example/c/{domain}", "%2e%2e", "https://api.example/c/%252e%252e")]
    [TestCase("https://api.example/find?d={domain}", "münchen.example", "https://api.example/find?d=m%C3%BCnchen.example")]
    [TestCase("https://api.example/find?d={domain}", "{email}", "https://api.example/find?d=%7Bemail%7D")]
    public void Should_keep_a_value_in_its_place(string template, string value, string address) =>
        Assert.That(Fill(template, value)?.AbsoluteUri, Is.EqualTo(address));

    [TestCase("..")]
    [TestCase(".")]
    [TestCase("")]
    [TestCase("  ")]
    [TestCase("a\nb")]
    [TestCase("a\u0000b")]
    public void Should_not_ask_with_a_value_that_is_none(string value) =>
        Assert.That(Fill("https://api.example/c/{domain}/profile", value), Is.Null);

    [FsCheck.NUnit.Property(MaxTest = 2000)]
    public void Should_stay_where_it_is_whatever_the_lead_says(NonNull<string> value, bool inPath)
    {
        var address = Fill(inPath ? "https://api.example:8443/v1/{domain}/all" : "https://api.example:8443/v1/all?d={domain}&k=1", value.Get);

        if (address is null)
            return;
        using (Assert.EnterMultipleScope())
        {
            Assert.That((address.Scheme, address.Host, address.Port, address.UserInfo, address.Fragment), Is.EqualTo(("https", "api.example", 8443, "", "")));
            Assert.That(address.AbsolutePath, inPath ? Does.StartWith("/v1/").And.EndsWith("/all") : Is.EqualTo("/v1/all"));
            Assert.That(address.AbsolutePath.Count(c => c == '/'), Is.EqualTo(inPath ? 3 : 2));
            Assert.That(address.Query.Count(c => c == '&'), Is.EqualTo(inPath ? 0 : 1));
        }
    }

    private static Uri? Fill(string template, string value) => UrlTemplate.Parse(template).Fill(new Dictionary<string, string?> { ["domain"] = value });
}
