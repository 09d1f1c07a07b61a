using LeadPipeline.Worker.Intake;

namespace LeadPipeline.Worker.Tests.Intake;

public class EmailAddressTests
{
    [TestCase("Anna.Muster@ACME.com", "anna.muster@acme.com")]
    [TestCase("a+tag@sub.acme.co.uk", "a+tag@sub.acme.co.uk")]
    [TestCase("o'brien@acme.ie", "o'brien@acme.ie")]
    [TestCase("x_y-z@a-b.io", "x_y-z@a-b.io")]
    [TestCase("U.Beispiel@BÜCHER.de", "u.beispiel@bücher.de")]
    [TestCase("u@xn--bcher-kva.de", "u@bücher.de")]
    [TestCase("用户@例え.jp", "用户@例え.jp")]
    public void Should_accept_and_lower(string stated, string expected)
    {
        var valid = EmailAddress.TryNormalise(stated, out var address, out _);

        Assert.That((valid, address), Is.EqualTo((true, expected)));
    }

    [TestCase("plain")]
    [TestCase("@acme.com")]
    [TestCase("a@")]
    [TestCase("a@localhost")]
    [TestCase("a@@b.de")]
    [TestCase("a b@c.de")]
    [TestCase(".a@b.de")]
    [TestCase("a.@b.de")]
    [TestCase("a..b@c.de")]
    [TestCase("a@-b.de")]
    [TestCase("a@b-.de")]
    [TestCase("a@b..de")]
    [TestCase("a@b.de.")]
    [TestCase("a@1.2.3.4")]
    [TestCase("a@[1.2.3.4]")]
    [TestCase("a@b_c.de")]
    [TestCase("a@xn--.de")]
    [TestCase("Anna <a@b.de>")]
    [TestCase("a@b.de, c@d.de")]
    [TestCase("\"quoted\"@b.de")]
    [TestCase("<script>@b.de")]
    public void Should_refuse_with_a_reason(string stated)
    {
        var valid = EmailAddress.TryNormalise(stated, out _, out var problem);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(valid, Is.False);
            Assert.That(problem, Is.Not.Empty);
        }
    }

    [TestCase(64, 100, true)]
    [TestCase(65, 100, false)]
    [TestCase(64, 200, false)]
    public void Should_hold_to_the_lengths_of_mail(int local, int domain, bool expected)
    {
        var labels = string.Join('.', Enumerable.Repeat(new string('d', 47), domain / 48)) + ".com";

        var valid = EmailAddress.TryNormalise(new string('l', local) + "@" + labels, out _, out _);

        Assert.That(valid, Is.EqualTo(expected));
    }
}
